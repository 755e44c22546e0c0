// Records what SurveyJS makes of whole surveys, for walks.jsonl:
//
//   npm install survey-core@3.1.1
//   node walks.js < cases > walks.jsonl
//
// A case is a line {"def": definition, "data": {answers}, "vars": {variables}}.
// A result adds "visible", the questions that show; "required", those of them
// that lack an answer; "ok", whether the survey could be completed; and, when
// so, "after", the data then.
const { Model } = require("survey-core");
console.warn = console.error = () => {};
const out = [];
const lines = require("readline").createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const o = JSON.parse(line);
  try {
    const m = new Model(o.def);
    for (const k in o.vars) m.setVariable(k, o.vars[k]);
    m.data = structuredClone(o.data);
    const shown = m
      .getAllQuestions(false, false, true)
      .filter((q) => q.isVisible && q.isParentVisible);
    o.visible = shown.map((q) => q.name);
    o.required = shown.filter((q) => q.isRequired && q.isEmpty()).map((q) => q.name);
    o.ok = m.tryComplete();
    if (o.ok) o.after = m.data;
  } catch (e) {
    o.err = e.message;
  }
  out.push(JSON.stringify(o));
});
lines.on("close", () => process.stdout.write(out.join("\n") + "\n"));
