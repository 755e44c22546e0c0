// Looks at the pages that stdin names, one JSON {"name", "file"} a line: html-validate; axe-core and the width at 320 px,
// light, dark and with forced colours; whether keys reach what scrolls; whether anything is
// cut on paper, A4 upright. Writes what it finds, one JSON {"page", "scheme", "rule", "target", "text"} a line; at last
// {"pages": n}, how often it looked.
const fs = require('fs')
const modules = process.env.VEFA_NODE_MODULES
const { chromium } = require(modules + '/playwright-core')
const { HtmlValidate, StaticConfigLoader } = require(modules + '/html-validate')
const axe = fs.readFileSync(modules + '/axe-core/axe.min.js', 'utf8')
const pages = fs.readFileSync(0, 'utf8').trim().split('\n').map(l => JSON.parse(l))
const validate = new HtmlValidate(new StaticConfigLoader({ root: true, extends: ['html-validate:recommended', 'html-validate:document'], rules: { 'long-title': 'off' } }))
// All are 320 px wide, which is also what a window of 1280 px has at a zoom of 400 %. Languages differ in words, schemes
// in colours: not each with each.
const schemes = { light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, forced: { colorScheme: 'dark', forcedColors: 'active' } }
const looks = { light: p => p.name == 'tr', dark: p => p.name == 'en', forced: p => p.name == 'tr' }
const say = o => process.stdout.write(JSON.stringify(o) + '\n')

async function main() {
  let n = 0
  for (const p of pages) {
    const report = await validate.validateString(fs.readFileSync(p.file, 'utf8'), p.name)
    n++
    for (const r of report.results) for (const m of r.messages) say({ page: p.name, scheme: 'html', rule: m.ruleId, target: m.selector || '', text: m.message + ' line ' + m.line })
  }
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
  for (const [scheme, options] of Object.entries(schemes)) {
    const context = await browser.newContext({ viewport: { width: 320, height: 740 }, bypassCSP: true, ...options })
    const page = await context.newPage()
    for (const p of pages) {
      if (!looks[scheme](p)) continue
      n++
      await page.goto('file://' + p.file)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth)
      if (wide > 320) say({ page: p.name, scheme, rule: 'wider than 320 px', target: '', text: String(wide) })
      // What is folded is looked at, too.
      await page.evaluate(() => document.querySelectorAll('details').forEach(d => { d.open = true }))
      await page.evaluate(axe)
      const found = await page.evaluate(async () => {
        const r = await axe.run(document, { resultTypes: ['violations', 'incomplete'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        const out = []
        for (const v of r.violations) for (const node of v.nodes) out.push({ rule: 'violation ' + v.id, target: node.target.join(' '), text: node.failureSummary })
        const open = document.documentElement.scrollWidth
        if (open > innerWidth) out.push({ rule: 'wider than 320 px when unfolded', target: '', text: String(open) })
        // A region that scrolls takes the focus and has a name.
        for (const e of document.querySelectorAll('main *')) {
          const s = getComputedStyle(e)
          if (e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(s.overflowX) && (e.tabIndex < 0 || !e.getAttribute('aria-label'))) out.push({ rule: 'scrolls without focus', target: e.className, text: '' })
        }
        for (const e of document.querySelectorAll('summary')) if (e.getBoundingClientRect().height < 44) out.push({ rule: 'target below 44 px', target: e.outerHTML, text: '' })
        // Text of drawings has one size.
        for (const e of document.querySelectorAll('svg text')) if (getComputedStyle(e).fontSize != '12px') out.push({ rule: 'text of another size', target: e.outerHTML, text: getComputedStyle(e).fontSize })
        return out
      })
      for (const f of found) say({ page: p.name, scheme, ...f })
      if (scheme == 'light') { // the tab key reaches everything that can have the focus
        const want = await page.evaluate(() => document.querySelectorAll('a[href],summary,[tabindex="0"]').length)
        await page.evaluate(() => { document.activeElement.blur(); scrollTo(0, 0) })
        const seen = new Set()
        for (let i = 0; i < want; i++) {
          await page.keyboard.press('Tab')
          seen.add(await page.evaluate(() => { const e = document.activeElement; return [...document.querySelectorAll('*')].indexOf(e) }))
        }
        if (seen.size != want) say({ page: p.name, scheme, rule: 'the tab key', target: '', text: seen.size + ' of ' + want })
      }
    }
    await context.close()
  }
  // Paper: 210 mm less margins of 12 mm are 703 px.
  const context = await browser.newContext({ viewport: { width: 703, height: 1000 }, bypassCSP: true })
  const page = await context.newPage()
  await page.emulateMedia({ media: 'print' })
  for (const p of pages) {
    n++
    await page.goto('file://' + p.file)
    await page.evaluate(() => document.querySelectorAll('details').forEach(d => { d.open = true }))
    const cut = await page.evaluate(() => {
      const out = []
      for (const e of document.querySelectorAll('main *')) {
        const b = e.getBoundingClientRect()
        if (b.width > 1 && b.right > innerWidth + 1 && !e.closest('.va-sr')) out.push({ rule: 'cut on paper', target: e.tagName + '.' + (e.className.baseVal ?? e.className), text: b.right + ' ' + (e.textContent || '').slice(0, 60) })
      }
      return out.slice(0, 5)
    })
    for (const f of cut) say({ page: p.name, scheme: 'print', ...f })
    const pdf = await page.pdf({ format: 'A4', margin: { top: '12mm', bottom: '12mm', left: '12mm', right: '12mm' } })
    if (pdf.length < 10000) say({ page: p.name, scheme: 'print', rule: 'no pages', target: '', text: String(pdf.length) })
  }
  await browser.close()
  say({ pages: n })
}
main().catch(e => { console.error(e); process.exit(1) })
