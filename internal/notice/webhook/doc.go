// Package webhook sends notices over HTTP: to a Slack incoming webhook, or to any URL, signed by the Standard Webhooks
// scheme (webhook-id, webhook-timestamp, webhook-signature).
//
// A URL is a secret: it never appears in an error. A URL is also an instruction to this process to open a connection,
// so the address is judged after its name was resolved: loopback, link-local (where clouds keep their metadata and
// credentials) and other addresses that are nobody's webhook are refused, unless the configuration itself names this
// machine. Redirects are not followed and no proxy is used, as both would lead around that.
//
// It does not try again; the desk of package notice does.
package webhook
