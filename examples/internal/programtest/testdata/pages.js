// Opens the pages that stdin names, one JSON {"name", "file"} a line, and writes what is wrong with
// them, one JSON {"page", "look", "rule", "target", "text"} a line; at last {"looks": n}. axe-core
// runs in each scheme and at each width, though not in each scheme at each width unless
// VEFA_EVERY_LOOK is set; html-validate reads each page; a page is printed to PDF once.
const fs = require('fs'), zlib = require('zlib')
const modules = process.env.VEFA_NODE_MODULES
const { chromium } = require(modules + '/playwright-core')
const { HtmlValidate, StaticConfigLoader } = require(modules + '/html-validate')
const axe = fs.readFileSync(modules + '/axe-core/axe.min.js', 'utf8')
const pages = fs.readFileSync(0, 'utf8').trim().split('\n').map(l => JSON.parse(l))
const say = o => process.stdout.write(JSON.stringify(o) + '\n')
const widths = [320, 768, 1280]
const schemes = { light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, forced: { colorScheme: 'dark', forcedColors: 'active' } }
const every = !!process.env.VEFA_EVERY_LOOK
const looks = Object.keys(schemes).flatMap((scheme, i) => widths.filter((w, j) => every || i == j).map(width => ({ scheme, width })))
// A4 with margins of 12 mm, in CSS pixels.
const paper = 703, margin = { top: '12mm', bottom: '12mm', left: '12mm', right: '12mm' }
const loader = new StaticConfigLoader({ root: true, extends: ['html-validate:recommended', 'html-validate:document'], rules: { 'form-dup-name': 'off' } })
const validate = new HtmlValidate(loader)

// lonely returns the headings of a tagged PDF of Chromium below which nothing follows in their
// column of the page.
function lonely(pdf) {
  const objects = new Map()
  for (const m of pdf.toString('latin1').matchAll(/(?:^|\n)(\d+) 0 obj\n([\s\S]*?)endobj/g)) objects.set(m[1], m[2])
  const one = (text, re) => { const m = re.exec(text); return m && m[1] }
  const headings = new Map() // page and number of the marked content to the heading's name
  for (const text of objects.values()) {
    if (!/\/Type \/StructElem/.test(text)) continue
    const on = one(text, /\/Pg (\d+) 0 R/), kids = one(text, /\/K (\d+|\[[^\]]*\])/)
    if (!on || !kids) continue
    for (let e = text; e; e = objects.get(one(e, /\/P (\d+) 0 R/) || '')) {
      const kind = one(e, /\/S \/(\w+)/)
      if (/^H\d$|^Caption$/.test(kind)) { for (const k of kids.match(/\d+/g)) headings.set(on + ' ' + k, kind); break }
    }
  }
  const out = []
  let number = 0
  for (const [id, text] of objects) {
    if (!/\/Type \/Page\b/.test(text)) continue
    number++
    const stream = objects.get(one(text, /\/Contents (\d+) 0 R/))
    const from = stream.indexOf('stream\n') + 7
    const ops = zlib.inflateSync(Buffer.from(stream.slice(from, stream.lastIndexOf('\nendstream')), 'latin1')).toString('latin1').split('\n')
    let m = [1, 0, 0, 1, 0, 0], mark = ''
    const stack = [], texts = []
    const times = (a, b) => [a[0] * b[0] + a[1] * b[2], a[0] * b[1] + a[1] * b[3], a[2] * b[0] + a[3] * b[2], a[2] * b[1] + a[3] * b[3], a[4] * b[0] + a[5] * b[2] + b[4], a[4] * b[1] + a[5] * b[3] + b[5]]
    for (const op of ops) {
      const v = op.trim().split(' ')
      if (op == 'q') stack.push(m)
      else if (op == 'Q') m = stack.pop() || m
      else if (v.at(-1) == 'cm') m = times(v.slice(0, 6).map(Number), m)
      else if (v.at(-1) == 'Tm') { const t = times(v.slice(0, 6).map(Number), m); texts.push({ mark, x: t[4], y: t[5] }) }
      else if (/BDC$/.test(op)) mark = one(op, /\/MCID (\d+)/) || ''
      else if (op == 'EMC') mark = ''
    }
    for (const t of texts) {
      const kind = t.mark && headings.get(id + ' ' + t.mark)
      if (!kind) continue
      if (!texts.some(o => o.mark != t.mark && o.y < t.y - 1 && o.x > t.x - 20 && o.x < t.x + 200)) out.push(`${kind} at the foot of page ${number}`)
    }
  }
  return out
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
  let n = 0
  for (const p of pages) {
    const report = await validate.validateString(fs.readFileSync(p.file, 'utf8'), p.name)
    for (const r of report.results) for (const m of r.messages) say({ page: p.name, look: 'html', rule: m.ruleId, target: m.selector || '', text: m.message + ' line ' + m.line })
  }
  for (const { scheme, width } of looks) {
    const context = await browser.newContext({ viewport: { width, height: 900 }, bypassCSP: true, ...schemes[scheme] })
    const page = await context.newPage()
    for (const p of pages) {
      n++
      await page.goto('file://' + p.file)
      await page.evaluate(axe)
      const found = await page.evaluate(async () => {
        const r = await axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        return r.violations.flatMap(v => v.nodes.map(node => ({ rule: v.id, target: node.target.join(' '), text: node.failureSummary })))
      })
      for (const w of new Set([width, ...widths])) {
        await page.setViewportSize({ width: w, height: 900 })
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        if (wide > 0) found.push({ rule: 'wider than its window', target: '', text: `${wide} px at ${w}` })
      }
      await page.setViewportSize({ width, height: 900 })
      for (const f of found) say({ page: p.name, look: scheme + ' ' + width, ...f })
    }
    await context.close()
  }
  const context = await browser.newContext({ viewport: { width: paper, height: 900 }, bypassCSP: true })
  const page = await context.newPage()
  await page.emulateMedia({ media: 'print' })
  for (const p of pages) {
    await page.goto('file://' + p.file)
    const found = await page.evaluate(() => {
      const out = [], edge = document.documentElement.clientWidth
      for (const e of document.querySelectorAll('table,svg,pre,figure')) {
        const box = e.getBoundingClientRect()
        if (box.right > edge + 1) out.push({ rule: 'cut in print', target: e.outerHTML.slice(0, 80), text: `ends at ${Math.round(box.right)} of ${edge}` })
      }
      for (const e of document.querySelectorAll('details')) {
        const last = e.lastElementChild
        if (last && last.tagName != 'SUMMARY' && last.getBoundingClientRect().height == 0) out.push({ rule: 'folded in print', target: e.outerHTML.slice(0, 80), text: '' })
      }
      return out
    })
    for (const text of lonely(await page.pdf({ format: 'A4', tagged: true, margin }))) found.push({ rule: 'a heading alone', target: '', text })
    for (const f of found) say({ page: p.name, look: 'print', ...f })
  }
  await browser.close()
  say({ looks: n })
}
main().catch(e => { console.error(e); process.exit(1) })
