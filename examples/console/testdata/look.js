// Opens the pages that stdin names, one JSON {"name", "url", "every"} a line, in Chromium, and
// writes what axe-core and html-validate find, what is wider than the window, and what the keyboard does not
// reach or show, one JSON {"page", "look", "rule", "target", "text"} a line; at last {"looks": n}.
const fs = require('fs')
const modules = process.env.VEFA_NODE_MODULES
const { chromium } = require(modules + '/playwright-core')
const { HtmlValidate } = require(modules + '/html-validate')
const axe = fs.readFileSync(modules + '/axe-core/axe.min.js', 'utf8')
const pages = fs.readFileSync(0, 'utf8').trim().split('\n').map(l => JSON.parse(l))
const schemes = { light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, forced: { colorScheme: 'dark', forcedColors: 'active' } }
const all = process.env.LOOKS == 'all'
const validate = new HtmlValidate({ extends: ['html-validate:recommended'], rules: { 'no-trailing-whitespace': 'off', 'void-style': 'off', 'long-title': 'off', 'doctype-style': 'off', 'form-dup-name': ['error', { shared: ['radio', 'checkbox', 'submit', 'button'] }] } })
const say = o => process.stdout.write(JSON.stringify(o) + '\n')
// Words change with the language, colours with the scheme, places with the width: not each with each, unless asked.
const looks = [['light', 320, 'tr'], ['light', 1280, 'en'], ['dark', 1280, 'tr'], ['forced', 320, 'en']]
if (all) for (const s of Object.keys(schemes)) for (const w of [320, 360, 768, 1280]) for (const l of ['tr', 'en']) if (!looks.some(x => x[0] == s && x[1] == w && x[2] == l)) looks.push([s, w, l])

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  let n = 0
  for (const [scheme, width, lang] of looks) {
    const context = await browser.newContext({ viewport: { width, height: 740 }, ...schemes[scheme] })
    await context.addCookies([{ name: 'lang', value: lang, url: pages[0].url }])
    const page = await context.newPage()
    const look = scheme + ' ' + width + ' ' + lang
    let at
    page.on('console', m => { if (m.type() == 'error') say({ page: at, look, rule: 'console', target: '', text: m.text() }) })
    for (const p of pages) {
      if (!all && scheme != 'light' && !p.every) continue
      n++
      at = p.name
      const response = await page.goto(p.url)
      if (width == 1280 && scheme == 'light') {
        const report = await validate.validateString(await response.text())
        for (const r of report.results) for (const m of r.messages) say({ page: at, look, rule: m.ruleId, target: m.selector || m.line + ':' + m.column, text: m.message })
      }
      if (!all && width == 1280 && !p.every) continue
      await page.evaluate(axe)
      const found = await page.evaluate(async () => {
        const r = await axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        const out = []
        for (const v of r.violations) for (const node of v.nodes) out.push({ rule: v.id, target: node.target.join(' '), text: node.failureSummary })
        if (document.documentElement.scrollWidth > innerWidth) out.push({ rule: 'wider than the window', target: '', text: String(document.documentElement.scrollWidth) })
        return out
      })
      for (const f of found) say({ page: at, look, ...f })
      if (width == 320 && scheme == 'light' && p.every) {
        // By the tabulator all that works is reached, in the order of the page, and is seen to be.
        const want = await page.evaluate(() => [...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex="0"]')].filter(e => e.checkVisibility()).length)
        let last = -1
        for (let i = 0; i < Math.min(want, 20); i++) {
          await page.keyboard.press('Tab')
          const got = await page.evaluate(() => {
            const e = document.activeElement, s = getComputedStyle(e)
            return { at: [...document.querySelectorAll('*')].indexOf(e), seen: s.outlineStyle != 'none' && parseFloat(s.outlineWidth) >= 2, what: e.outerHTML.slice(0, 90) }
          })
          if (got.at <= last) say({ page: at, look, rule: 'keyboard order', target: got.what, text: i + ' of ' + want })
          if (!got.seen) say({ page: at, look, rule: 'focus is not seen', target: got.what, text: '' })
          last = got.at
        }
      }
    }
    await context.close()
  }
  await night(browser)
  await browser.close()
  say({ looks: n })
}
// An evening by the button: the script shows how far it is and comes back when it has ended. Without script a link does.
async function night(browser) {
  for (const script of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled: script })
    const page = await context.newPage()
    await page.goto(pages[0].url)
    const was = await page.textContent('main h2')
    await page.click('form[action="/night"] button')
    if (!script) await page.click('noscript a', { timeout: 5000 }).catch(() => {}) // it may have ended already
    await page.waitForFunction(was => !document.getElementById('progress') && document.querySelector('main h2').textContent != was, was, { timeout: 60000 })
      .catch(e => say({ page: pages[0].name, look: 'script ' + script, rule: 'the evening does not end', target: '', text: String(e) }))
    await context.close()
  }
}
main().catch(e => { console.error(e); process.exit(1) })
