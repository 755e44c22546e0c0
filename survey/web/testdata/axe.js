// Opens the pages that stdin names, one JSON {"name", "file"} a line, at a width of 320 px, light, some
// dark, with forced colours and zoomed to 400 %, and writes what axe-core, the width and the sizes of targets find,
// one JSON {"page", "scheme", "rule", "target", "text"} a line; at last {"pages": n}.
const fs = require('fs')
const modules = process.env.VEFA_NODE_MODULES
const { chromium } = require(modules + '/playwright-core')
const axe = fs.readFileSync(modules + '/axe-core/axe.min.js', 'utf8')
const pages = fs.readFileSync(0, 'utf8').trim().split('\n').map(l => JSON.parse(l))
// 400 % zoom is a quarter of the width in CSS pixels at four times the density: 1280 px become 320.
const schemes = {
  light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, forced: { colorScheme: 'dark', forcedColors: 'active' },
  zoomed: { colorScheme: 'light', viewport: { width: 320, height: 256 }, deviceScaleFactor: 4 },
}
// Languages differ in words and direction, schemes in colours: not each with each.
const looks = {
  light: p => /^tr |error$|done$|^ar filled/.test(p.name), dark: p => /^tr (error|read-only)$/.test(p.name),
  forced: p => p.name == 'tr error', zoomed: p => /^(tr|ar) error$/.test(p.name),
}
const say = o => process.stdout.write(JSON.stringify(o) + '\n')

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] })
  let n = 0
  for (const [scheme, options] of Object.entries(schemes)) {
    const context = await browser.newContext({ viewport: { width: 320, height: 740 }, bypassCSP: true, ...options })
    const page = await context.newPage()
    for (const p of pages) {
      if (!looks[scheme](p)) continue
      n++
      await page.goto('file://' + p.file)
      await page.evaluate(axe)
      const found = await page.evaluate(async () => {
        const r = await axe.run(document, { resultTypes: ['violations', 'incomplete'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        // axe takes a textarea, which scrolls, for one that others may lie over: its contrast is computed here.
        const light = c => { const v = c.match(/[\d.]+/g).slice(0, 3).map(x => (x /= 255) <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4); return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2] + 0.05 }
        const readable = node => {
          const e = document.querySelector(node.target[0])
          if (!e || e.tagName != 'TEXTAREA' || !/partially obscured/.test(node.failureSummary)) return false
          const s = getComputedStyle(e), a = light(s.color), b = light(s.backgroundColor)
          return /^rgb\(/.test(s.backgroundColor) && Math.max(a, b) / Math.min(a, b) >= 4.5
        }
        const out = []
        for (const [kind, list] of [['violation', r.violations], ['incomplete', r.incomplete]]) {
          for (const v of list) for (const node of v.nodes) if (kind != 'incomplete' || !readable(node)) out.push({ rule: kind + ' ' + v.id, target: node.target.join(' '), text: node.failureSummary })
        }
        if (document.documentElement.scrollWidth > innerWidth) out.push({ rule: 'wider than 320 px', target: '', text: String(document.documentElement.scrollWidth) })
        for (const e of document.querySelectorAll('button,select,textarea,a[href],input:not([type=hidden])')) {
          const box = (/^(radio|checkbox)$/.test(e.type) ? e.closest('label') : e).getBoundingClientRect()
          if (e.tabIndex < 0 || e.disabled) continue
          if (box.width < 48 || box.height < 48) out.push({ rule: 'target below 48 px', target: e.outerHTML.slice(0, 120), text: box.width + ' x ' + box.height })
        }
        return out
      })
      for (const f of found) say({ page: p.name, scheme, ...f })
    }
    await context.close()
  }
  await browser.close()
  say({ pages: n })
}
main().catch(e => { console.error(e); process.exit(1) })
