// Evaluates expressions with SurveyJS, for expressions.jsonl:
//
//   npm install survey-core@3.1.1
//   node oracle.js < cases > expressions.jsonl
//
// A case is a line {"e": expression, "v": {values}}. A result adds "r", the
// value, and "t", whether it holds as the condition of a question; or "parse": true when the expression is refused,
// or "err" when evaluating it threw.
const { ExpressionRunner, ConditionsParser } = require("survey-core");
console.warn = console.error = () => {};
const out = [];
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const c = JSON.parse(line);
  const o = { e: c.e, v: c.v || {} };
  try {
    if (!new ConditionsParser().parseExpression(c.e)) {
      o.parse = true;
    } else {
      const r = new ExpressionRunner(c.e).runValues(structuredClone(o.v));
      o.r = r === undefined ? null : r;
      o.t = r === true;
    }
  } catch (e) {
    o.err = e.message;
  }
  out.push(JSON.stringify(o));
});
lines.on("close", () => process.stdout.write(out.join("\n") + "\n"));
