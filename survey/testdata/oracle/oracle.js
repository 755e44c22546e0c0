// Asks SurveyJS (npm survey-core) what it makes of surveys and expressions, for the tests of
// package survey:
//
//   npm ci --prefix survey/testdata/oracle
//   node oracle.js < cases > results
//
// An empty line asks for what was answered so far. A case is a line of JSON: {"survey": definition, "steps": [...], "expr": [{"e", "v"}]}. A step is
// {"set": {name: value}}, {"vars": {name: value}}, {"next": 1}, {"prev": 1}, {"complete": 1},
// {"start": 1}; {"lint": definition} asks its linter. The result is a line with "states", one before all steps and one after each, and
// "expr" with the value, truth or refusal of each expression.
const RealDate = Date;
const instant = RealDate.parse(process.env.NOW || "2026-01-01T00:00:00Z");
global.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(instant);
    else super(...args);
  }
  static now() { return instant; }
};
console.warn = console.error = console.log = () => {};
const core = require("survey-core");
if (!process.env.PLAIN) require("./fast.js")(core); // TestFastOracle asks both
const { Model, ExpressionRunner, ConditionsParser, Serializer } = core;

// An author's own members of choices are properties that a page registers.
function registerMembers(o, key) {
  if (Array.isArray(o)) return o.forEach((x) => registerMembers(x, key));
  if (!o || typeof o !== "object") return;
  for (const k in o) {
    if (key === "choices" && !Serializer.findProperty("choiceitem", k) && !Serializer.findProperty("imageitemvalue", k) && !Serializer.findProperty("checkboxitem", k)) {
      Serializer.addProperty("itemvalue", k);
    }
    registerMembers(o[k], k);
  }
}

// Faults of survey-core 3.1.1 that package survey does not have, and that cases with "mend" are
// asked without.
let mend = false;
function mending(cls, name, make) {
  const was = cls.prototype[name];
  const now = make(was);
  cls.prototype[name] = function (...args) { return (mend ? now : was).apply(this, args); };
}
const copy = (v) => (Array.isArray(v) ? JSON.parse(JSON.stringify(v)) : v);
// A calculated value or an expression question that yields the answer to a check box holds the
// list itself, not a copy. The list changes under it: no condition that reads the value runs, and
// on completion the answer of the question stays where the list was emptied before it.
mending(core.CalculatedValue, "setValue", (was) => function (v) { return was.call(this, copy(v)); });
mending(core.QuestionExpressionModel, "roundValue", (was) => function (v) { return copy(was.call(this, v)); });
// A dynamic panel that is emptied while it has more or fewer panels than panelCount says makes its
// panels anew from the answers that they still have, and with it its answer.
mending(core.QuestionPanelDynamicModel, "setQuestionValue", (was) => function (v) {
  if (v === undefined || v === null || (Array.isArray(v) && v.length === 0)) {
    for (const p of this.panels) for (const q of p.questions) q.updateValueFromSurvey(undefined);
  }
  return was.call(this, v);
});

const nil = (v) => (v === undefined ? null : v);

// Nested questions show if everything around them does.
function inSight(q) {
  return q.isVisible && q.isParentVisible && (!q.parentQuestion || inSight(q.parentQuestion));
}

function state(m) {
  const s = {
    page: m.state === "starting" ? m.pages[0].name : m.currentPage ? m.currentPage.name : null,
    state: m.state,
    visiblePages: m.visiblePages.map((p) => p.name),
    visible: [], readOnly: [], required: [], titles: {}, choices: {},
    data: JSON.parse(JSON.stringify(m.data)),
    calc: {},
  };
  for (const q of m.getAllQuestions(false, false, true)) {
    if (!inSight(q)) continue;
    s.visible.push(q.name);
    if (q.parentQuestion) continue;
    if (q.isReadOnly && q.getType() !== "expression" && q.getType() !== "html" && q.getType() !== "image") s.readOnly.push(q.name);
    if (q.isRequired) s.required.push(q.name);
    s.titles[q.name] = q.locTitle.renderedHtml;
    if (q.isDescendantOf("selectbase")) s.choices[q.name] = q.visibleChoices.map((c) => c.value);
  }
  // A copy: a value may be the very list that a question goes on changing.
  for (const c of m.calculatedValues) s.calc[c.name] = c.value === undefined ? null : JSON.parse(JSON.stringify(c.value));
  return s;
}

function errorsOn(page, out = {}) {
  if (!page) return out;
  const add = (q) => {
    const real = q.getAllErrors().filter((e) => (e.notificationType || "error") === "error");
    if (real.length) out[q.name] = real.map((e) => e.getErrorType());
  };
  for (const q of page.questions) if (q.isVisible && q.isParentVisible) add(q);
  for (const p of page.survey.getAllPanels()) {
    const first = p.questions.find((q) => q.isVisible && q.isParentVisible);
    if (p.page === page && p.errors.length && first) (out[first.name] = out[first.name] || []).push("panel");
  }
  return out;
}

function run(c) {
  const out = {};
  mend = c.mend === true;
  if (c.survey) {
    registerMembers(c.survey);
    const m = new Model(structuredClone(c.survey));
    if (c.seed !== undefined) m.randomSeed = c.seed;
    m.getAllQuestions(false, false, true); // builds the panels of pages that were not shown yet
    for (const q of m.getAllQuestions()) q.panels;
    out.states = [state(m)];
    for (const step of c.steps || []) {
      const page = m.state === "starting" ? m.pages[0] : m.currentPage;
      let ok, acted = false;
      // What is emptied is undefined, as a page's button to clear it makes it.
      if (step.set) for (const k in step.set) m.setValue(k, step.set[k] === null ? undefined : step.set[k]);
      if (step.comment) for (const k in step.comment) m.setComment(k, step.comment[k]);
      if (step.vars) for (const k in step.vars) m.setVariable(k, step.vars[k]);
      if (step.start) { ok = m.start(); acted = true; }
      if (step.next) { acted = !m.isLastPage; ok = m.nextPage(); }
      if (step.prev) { ok = m.prevPage(); }
      if (step.complete && !(m.checkErrorsMode === "onComplete" && !m.isLastPage)) { ok = m.tryComplete(); acted = true; }
      m.focusQuestionInfo(); // as drawing the page does, to which a fault or a trigger led
      const s = state(m);
      if (ok !== undefined) s.ok = ok === true;
      if (acted && ok !== true) {
        s.errors = errorsOn(page);
        if (m.checkErrorsMode === "onComplete") for (const p of m.visiblePages) errorsOn(p, s.errors);
      }
      out.states.push(s);
    }
  }
  if (c.lint) out.lint = require("survey-core/linter").lintSurvey(c.lint).findings.map((f) => ({ rule: f.ruleId, path: f.path || "" }));
  if (c.expr) {
    out.expr = c.expr.map(({ e, v }) => {
      try {
        if (!new ConditionsParser().parseExpression(e)) return { parse: true };
        const r = new ExpressionRunner(e).runValues(structuredClone(v || {}));
        return { r: nil(r), t: r === true };
      } catch (err) {
        return { err: String(err.message) };
      }
    });
  }
  return out;
}

// Runs a suite of survey-core/tester.
async function scenario({ def, suite }) {
  const res = await require("survey-core/tester").runSurveyTests(def, suite);
  return res.tests.map((t) => ({
    name: t.name,
    status: t.status,
    steps: t.steps.map((s) => ({
      status: s.status,
      checks: (s.checks || []).map((c) => ({ target: c.target, check: c.check || c.name, passed: c.passed === true || c.status === "passed", key: "" })),
    })),
  }));
}

const lines = require("readline").createInterface({ input: process.stdin });
const pending = [];
(async () => {
  for await (const line of lines) {
    if (!line) { // asks for what was answered
      if (pending.length) process.stdout.write(pending.splice(0).join("\n") + "\n");
      continue;
    }
    let o;
    const c = JSON.parse(line);
    try {
      o = run(c);
      if (c.scenario) o.scenario = await scenario(c.scenario);
    } catch (e) {
      o = { error: String(e.message) };
    }
    if (c.id !== undefined) o.id = c.id;
    pending.push(JSON.stringify(o));
    if (pending.length > 50) process.stdout.write(pending.splice(0).join("\n") + "\n");
  }
  if (pending.length) process.stdout.write(pending.join("\n") + "\n");
})();
