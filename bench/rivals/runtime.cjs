#!/usr/bin/env node
// The Lambda Runtime API's client for handlers in JavaScript: $RIVAL_DIR, and $RIVAL_HANDLER as FILE.FUNCTION.
'use strict';
const path = require('node:path');

const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime/`;
const [file, name] = process.env.RIVAL_HANDLER.split('.');

(async () => {
  const handler = require(path.join(process.env.RIVAL_DIR, file))[name];
  for (;;) {
    const next = await fetch(`${api}invocation/next`);
    const id = next.headers.get('Lambda-Runtime-Aws-Request-Id');
    const event = await next.json();
    let [what, body] = ['response', null];
    try {
      body = await handler(event, {});
    } catch (e) {
      [what, body] = ['error', { errorType: e.name, errorMessage: e.message }];
    }
    await fetch(`${api}invocation/${id}/${what}`, { method: 'POST', body: JSON.stringify(body ?? null) });
  }
})().catch((e) => {
  console.error(e);
  process.exit(1);
});
