// Leads a Node program through $HTTPS_PROXY, which AWS's JavaScript SDKs do not read: node --require ./proxy.cjs PROGRAM.
'use strict';
const http = require('node:http');
const https = require('node:https');
const tls = require('node:tls');

const proxy = process.env.HTTPS_PROXY && new URL(process.env.HTTPS_PROXY);
if (proxy) {
  https.Agent.prototype.createConnection = (options, done) => {
    const host = options.host || options.hostname;
    const path = `${host}:${options.port || 443}`;
    http.request({ host: proxy.hostname, port: proxy.port, method: 'CONNECT', path, headers: { host: path }, agent: false })
      .once('error', done)
      .once('connect', (answer, socket) => {
        if (answer.statusCode !== 200) {
          socket.destroy();
          done(new Error(`the proxy answered ${answer.statusCode} for ${path}`));
          return;
        }
        done(null, tls.connect({ ...options, path: undefined, socket, servername: options.servername || host }));
      })
      .end();
  };
}
