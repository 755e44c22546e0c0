// Validates the pages that stdin names, one JSON {"name", "file"} a line, with html-validate, and
// writes what it finds, one JSON {"page", "rule", "text", "line"} a line; at last {"pages": n}.
const fs = require('fs')
const { HtmlValidate, StaticConfigLoader } = require(process.env.VEFA_NODE_MODULES + '/html-validate')
// Check boxes of one question share a name without [], as HTML has it; so do the two ends of a range.
const loader = new StaticConfigLoader({ root: true, extends: ['html-validate:recommended', 'html-validate:document'], rules: { 'form-dup-name': 'off' } })
const validate = new HtmlValidate(loader)
async function main() {
  let n = 0
  for (const line of fs.readFileSync(0, 'utf8').trim().split('\n')) {
    const p = JSON.parse(line)
    const report = await validate.validateString(fs.readFileSync(p.file, 'utf8'), p.name)
    n++
    for (const r of report.results) for (const m of r.messages) process.stdout.write(JSON.stringify({ page: p.name, rule: m.ruleId, text: m.message + ' ' + (m.selector || ''), line: m.line }) + '\n')
  }
  process.stdout.write(JSON.stringify({ pages: n }) + '\n')
}
main().catch(e => { console.error(e); process.exit(1) })
