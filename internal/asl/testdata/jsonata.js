// Evaluates JSONata with its reference implementation: one expression a line in, one answer a line out.
// What Step Functions adds to it and the state machine uses is $hash.
const crypto = require("crypto");
const jsonata = require("jsonata");

function hash(text, how) {
  return crypto.createHash(how.toLowerCase().replace("-", "")).update(text).digest("hex");
}

async function main() {
  for await (const line of require("readline").createInterface({ input: process.stdin })) {
    let answer;
    try {
      const expression = jsonata(JSON.parse(line));
      expression.registerFunction("hash", hash, "<ss:s>");
      const value = await expression.evaluate(null);
      answer = value === undefined ? { error: "it returned nothing (undefined)" } : { value };
    } catch (e) {
      answer = { error: e.message };
    }
    process.stdout.write(JSON.stringify(answer) + "\n");
  }
}

main();
