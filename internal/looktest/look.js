// Opens the pages that stdin names, one JSON {"name", "file" or "url", "lang", "brief"} a line, and writes what is
// wrong with them, one JSON {"page", "look", "rule", "target", "text"} a line; at last {"looks": n}.
//
// axe-core looks with all its rules in light colours at 320 px; what depends on places is asked at each other
// width, too; what depends on colours in each scheme, of the first element of each style. A brief page has no style of its own: it is looked at in light colours alone, without the keyboard.
// With VEFA_EVERY_LOOK set, all rules are asked in each scheme at each width.
const fs = require('fs'), zlib = require('zlib')
const modules = process.env.VEFA_NODE_MODULES
const { chromium } = require(modules + '/playwright-core')
const { HtmlValidate, StaticConfigLoader } = require(modules + '/html-validate')
const axe = fs.readFileSync(modules + '/axe-core/axe.min.js', 'utf8')
const pages = fs.readFileSync(0, 'utf8').trim().split('\n').map(l => JSON.parse(l))
const say = o => process.stdout.write(JSON.stringify(o) + '\n')
const widths = [320, 360, 768, 1280]
const schemes = { light: { colorScheme: 'light', forcedColors: 'none' }, dark: { colorScheme: 'dark', forcedColors: 'none' }, forced: { colorScheme: 'dark', forcedColors: 'active' } }
const colours = ['color-contrast', 'link-in-text-block'], places = ['target-size', 'scrollable-region-focusable']
const every = !!process.env.VEFA_EVERY_LOOK
const looks = every ? Object.keys(schemes).flatMap(scheme => widths.map(width => ({ scheme, width }))) : [
  { scheme: 'light', width: 320, without: colours },
  { scheme: 'light', width: 320, rules: colours, styles: true },
  { scheme: 'light', width: 360, rules: places },
  { scheme: 'dark', width: 768, rules: [...colours, ...places], styles: true },
  { scheme: 'forced', width: 1280, rules: [...colours, ...places], styles: true },
]
const most = 60 // presses of the tab key
// A4 with margins of 12 mm, in CSS pixels.
const paper = 703, margin = { top: '12mm', bottom: '12mm', left: '12mm', right: '12mm' }
const loader = new StaticConfigLoader({ root: true, extends: ['html-validate:recommended', 'html-validate:document'], rules: { 'form-dup-name': ['error', { shared: ['radio', 'checkbox', 'submit', 'button'] }], 'long-title': 'off', 'require-sri': ['error', { target: 'crossorigin' }] } })
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
      if (/^H\d$|^Caption$/.test(kind)) { for (const k of kids.replace(/\d+ 0 R/g, '').match(/\d+/g) || []) headings.set(on + ' ' + k, kind); break }
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

// unfolded opens what is folded and draws what is not on the screen: both are looked at, too.
function unfolded() {
  for (const e of document.querySelectorAll('details')) e.open = true
  for (const e of document.querySelectorAll('*')) if (getComputedStyle(e).contentVisibility == 'auto') e.style.contentVisibility = 'visible'
}

// asked returns what axe-core finds.
async function asked({ rules, without, styles }) {
  let of = document
  if (styles) { // an element whose path has the tags, attributes and places of one before has its colours
    const seen = new Set(), keys = new Map(), include = []
    const key = e => {
      if (!e) return ''
      if (!keys.has(e)) keys.set(e, key(e.parentElement) + '>' + [...e.attributes].filter(a => /^(class|type|aria-.*|lang|dir|role|disabled|open|scope)$/.test(a.name)).map(a => /label|describ|controls/.test(a.name) ? a.name : a.name + a.value).join() + e.tagName + !e.previousElementSibling + !e.nextElementSibling)
      return keys.get(e)
    }
    for (const e of document.body.querySelectorAll('*')) {
      const text = /^(INPUT|SELECT|TEXTAREA|BUTTON)$/.test(e.tagName) || [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim())
      if (!text || seen.has(key(e))) continue
      seen.add(key(e))
      include.push(e)
    }
    of = { include }
  }
  const off = Object.fromEntries((without || []).map(id => [id, { enabled: false }]))
  const r = await axe.run(of, { resultTypes: ['violations'], runOnly: rules || ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules: off })
  return r.violations.flatMap(v => v.nodes.map(node => ({ rule: v.id, target: node.target.join(' '), text: node.failureSummary })))
}

// measured returns what is too small, or scrolls where no key reaches it.
function measured() {
  const out = []
  for (const e of document.querySelectorAll('main *')) {
    if (e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(e).overflowX) && (e.tabIndex < 0 || !e.getAttribute('aria-label'))) out.push({ rule: 'scrolls without focus or name', target: e.outerHTML.slice(0, 80), text: '' })
  }
  return out
}

// tabbed presses the tab key: all that works is reached, in the order of the page, and is seen to be.
async function tabbed(page) {
  const out = []
  const want = await page.evaluate(() => {
    document.activeElement.blur()
    getSelection().removeAllRanges()
    scrollTo(0, 0)
    return [...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,textarea,summary,[tabindex="0"]')].filter(e => e.checkVisibility() && e.tabIndex >= 0 && !e.disabled && (e.type != 'radio' || e.checked || ![...document.getElementsByName(e.name)].some((o, i, all) => o.checked || all[0] != e && i == 0))).length
  })
  let last = -1
  for (let i = 0; i < Math.min(want, most); i++) {
    await page.keyboard.press('Tab')
    const got = await page.evaluate(() => {
      const e = document.activeElement, s = getComputedStyle(e)
      return { at: [...document.querySelectorAll('*')].indexOf(e), seen: s.outlineStyle != 'none' && parseFloat(s.outlineWidth) >= 2, what: e.outerHTML.slice(0, 90) }
    })
    if (got.at <= last) out.push({ rule: 'keyboard order', target: got.what, text: `${i} of ${want}` })
    if (!got.seen) out.push({ rule: 'focus is not seen', target: got.what, text: '' })
    last = got.at
  }
  return out
}

// printed returns what paper cuts or folds, and headings alone at the foot of a page.
async function printed(page) {
  await page.emulateMedia({ media: 'print', ...schemes.light })
  await page.setViewportSize({ width: paper, height: 900 })
  const found = await page.evaluate(() => {
    for (const e of document.querySelectorAll('details')) e.open = false
    const out = [], edge = document.documentElement.clientWidth
    for (const e of document.querySelectorAll('main *')) {
      const box = e.getBoundingClientRect()
      if (box.width > 1 && box.right > edge + 1) out.push({ rule: 'cut in print', target: e.outerHTML.slice(0, 80), text: `ends at ${Math.round(box.right)} of ${edge}` })
    }
    for (const e of document.querySelectorAll('details')) {
      const last = e.lastElementChild
      if (last && last.tagName != 'SUMMARY' && last.getBoundingClientRect().height == 0) out.push({ rule: 'folded in print', target: e.outerHTML.slice(0, 80), text: '' })
    }
    return out.slice(0, 5)
  })
  for (const text of lonely(await page.pdf({ format: 'A4', tagged: true, margin }))) found.push({ rule: 'a heading alone', target: '', text })
  return found
}

// look looks at one page; it returns how often.
async function look(browser, p) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
  if (p.lang) await context.addCookies([{ name: 'lang', value: p.lang, url: p.url }])
  const page = await context.newPage()
  const add = (look, found) => { for (const f of found) say({ page: p.name, look, ...f }) }
  page.on('console', m => { if (m.type() == 'error') add('', [{ rule: 'console', target: '', text: m.text() }]) })
  await page.emulateMedia(schemes.light)
  const html = await (await page.goto(p.url || 'file://' + p.file)).text()
  const report = await validate.validateString(html, p.name)
  for (const r of report.results) add('html', r.messages.map(m => ({ rule: m.ruleId, target: m.selector || '', text: m.message + ' line ' + m.line })))
  const wide = async state => {
    for (const w of widths) {
      await page.setViewportSize({ width: w, height: 900 })
      const by = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (by > 0) add(state, [{ rule: 'wider than its window', target: '', text: `${by} px at ${w}` }])
    }
  }
  await wide('folded')
  await page.evaluate(unfolded)
  await wide('unfolded')
  await page.evaluate(axe)
  let n = 1
  for (const l of looks) {
    if (p.brief && !every && l.scheme != 'light') continue
    n++
    await page.emulateMedia(schemes[l.scheme])
    await page.setViewportSize({ width: l.width, height: 900 })
    add(l.scheme + ' ' + l.width, [...await page.evaluate(asked, l), ...await page.evaluate(measured)])
    if (l == looks[0] && !p.brief) add('keyboard', await tabbed(page))
  }
  add('print', await printed(page))
  await context.close()
  return n + 1
}

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
  let n = 0, next = 0
  const worker = async () => { while (next < pages.length) { const looks = await look(browser, pages[next++]); n += looks } }
  await Promise.all([worker(), worker()])
  await browser.close()
  say({ looks: n })
}
main().catch(e => { console.error(e); process.exit(1) })
