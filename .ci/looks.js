// Used by long: Lighthouse on pages. As a phone of the middle class on a slow line, which is what
// Lighthouse simulates by itself.
//
//	node .ci/looks.js answer FORM 40              # 40 answers to the survey at the link of its code
//	node .ci/looks.js DIR CONSOLE FORM...         # every page of DIR, of the console and of the surveys
//
// Prints a table and ends with 1 if a page has less than 100, its survey's first page can be used
// later than 700 ms, or nothing could be measured. Performance below 100 on a machine with more to
// do than it has processors is only printed.
'use strict'
const fs = require('fs'), http = require('http'), os = require('os'), path = require('path'), zlib = require('zlib')

// unescape turns the entities of html/template back.
const unescape = s => s.replace(/&(#\d+|amp|lt|gt|quot);/g, (m, e) => e[0] == '#' ? String.fromCodePoint(+e.slice(1)) : { amp: '&', lt: '<', gt: '>', quot: '"' }[e])
const attribute = (tag, name) => { const m = new RegExp(` ${name}="([^"]*)"`).exec(tag); return m && unescape(m[1]) }

async function get(url) {
  const r = await fetch(url)
  if (r.status != 200) throw new Error(`${url}: ${r.status}`)
  return { url: r.url, body: await r.text() }
}

// step answers the page of a survey with choice i of everything it asks, and returns the page after it. That of a
// survey of several is in the answer itself; the link leads there from then on.
async function step({ url, body }, i) {
  const form = new URLSearchParams(), groups = new Map()
  for (const [tag] of body.matchAll(/<(?:input|textarea|select)\b[^>]*>/g)) {
    const name = attribute(tag, 'name'), value = attribute(tag, 'value') || '', kind = attribute(tag, 'type')
    if (kind == 'radio' || kind == 'checkbox') groups.set(name, [...(groups.get(name) || []), value])
    else if (kind == 'hidden') form.append(name, value)
    else if (tag.startsWith('<textarea')) form.append(name, i % 3 || name.startsWith('c.') ? 'Kasada çok bekledim' : '')
    else if (name) form.append(name, kind == 'number' ? '3' : kind == 'email' ? 'a@example.com' : kind == 'tel' ? '05321112233' : '')
  }
  for (const [name, values] of groups) form.append(name, values[values.length - 1 - i % Math.min(4, values.length)])
  const r = await fetch(url, { method: 'POST', body: form, redirect: 'manual' })
  if (r.status == 303) return get(new URL(r.headers.get('location'), url).href)
  if (r.status != 200) throw new Error(`${url}: answered with ${r.status}`)
  return { url, body: await r.text() }
}

// answer answers a survey to its end; it returns the addresses of the pages on its way.
async function answer(link, i) {
  const seen = []
  for (let at = await get(link); ; at = await step(at, i)) {
    seen.push(at.url)
    if (/\/thanks/.test(at.url)) return seen
    if (seen.length > 40) throw new Error(`${link} does not end`)
  }
}

// serve gives out the files of a folder as a shop's server would: compressed, not sniffed.
function serve(dir) {
  const server = http.createServer((req, res) => {
    const file = path.join(dir, path.basename(req.url))
    if (!fs.existsSync(file)) return res.writeHead(404).end()
    const data = zlib.gzipSync(fs.readFileSync(file))
    res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Encoding': 'gzip', 'Content-Length': data.length, 'Cache-Control': 'no-cache', 'X-Content-Type-Options': 'nosniff' }).end(data)
  })
  return new Promise(done => server.listen(0, '127.0.0.1', () => done(server)))
}

// consolePages are the pages of the console: those of its menu and one of each kind that they lead to.
async function consolePages(base) {
  const out = []
  const first = async (from, pattern) => { const m = pattern.exec((await get(base + from)).body); if (m) out.push(m[1]); return m && m[1] }
  for (const p of ['/', '/customers', '/duplicates', '/segments', '/rules', '/campaigns', '/surveys']) out.push(p)
  const customer = await first('/customers', /href="(\/customers\/[\w-]{8,})"/)
  if (customer) out.push(customer + '/alike')
  await first('/campaigns', /href="(\/campaigns\/[\w-]+)"/)
  await first('/surveys', /href="(\/surveys\/[\w-]+)"/)
  return out.map(p => ['console ' + p.replace(/[\w-]{30,}/, 'ID'), base + p])
}

async function main() {
  const [what, desk, ...forms] = process.argv.slice(2)
  if (what == 'answer') {
    for (let i = 0; i < +forms[0]; i++) await answer(desk, i)
    return 0
  }
  const modules = process.env.LOOKS_MODULES
  const { default: lighthouse } = await import(modules + '/lighthouse/core/index.js')
  const { launch } = await import(modules + '/chrome-launcher/dist/index.js')
  const files = await serve(what)
  const pages = fs.readdirSync(what).sort().map(f => [path.basename(f, '.html'), `http://127.0.0.1:${files.address().port}/${f}`])
  for (const [i, form] of forms.entries()) {
    const name = ['survey', 'long survey'][i] || `survey ${i + 1}`
    const fresh = (await get(form)).url // where the code leads, not yet answered
    pages.push([name + ' code', form], [name + ' first page', fresh])
    for (const lang of ['tr', 'ar']) pages.push([`${name} first page, ${lang}`, fresh + '?lang=' + lang])
    const later = await step(await get(form), 0)
    if (!/\/thanks/.test(later.url)) pages.push([name + ' second page', later.url])
    pages.push([name + ' thanks', (await answer(form, 1)).at(-1)])
  }
  if (desk) pages.push(...await consolePages(desk))
  const only = process.env.LOOKS_ONLY && new RegExp(process.env.LOOKS_ONLY)
  const chrome = await launch({ chromePath: process.env.CHROMIUM || '/usr/bin/chromium', chromeFlags: ['--headless=new', '--no-sandbox', '--disable-gpu'], logLevel: 'silent' })
  let failed = 0
  const busy = () => os.loadavg()[0] > os.cpus().length
  console.log('| page | performance | accessibility | best practices | TTI ms | LCP ms | CLS | bytes |\n|---|---|---|---|---|---|---|---|')
  try {
    for (const [name, url] of pages) {
      if (only && !only.test(name)) continue
      let best
      for (let i = 0; i < 3; i++) { // what else the machine does costs time, and nothing gains any
        const { lhr } = await lighthouse(url, { port: chrome.port, output: 'json', logLevel: 'silent', maxWaitForLoad: 20000, onlyCategories: ['performance', 'accessibility', 'best-practices'] })
        if (lhr.runtimeError) throw new Error(`${name}: ${lhr.runtimeError.message}`)
        const of = id => lhr.audits[id].numericValue
        const r = { lhr, scores: ['performance', 'accessibility', 'best-practices'].map(c => Math.round(lhr.categories[c].score * 100)), tti: of('interactive'), lcp: of('largest-contentful-paint'), cls: of('cumulative-layout-shift'), bytes: of('total-byte-weight') }
        if (!best || r.scores[0] > best.scores[0] || r.scores[0] == best.scores[0] && r.tti < best.tti) best = r
        if (best.scores[0] == 100 && (name != 'survey first page' || best.tti <= 700)) break
      }
      console.log(`| ${[name, ...best.scores, Math.round(best.tti), Math.round(best.lcp), best.cls.toFixed(3), best.bytes].join(' | ')} |`)
      const loaded = busy()
      const late = name == 'survey first page' && best.tti > 700
      for (const [c, category] of Object.entries(best.lhr.categories)) {
        if (category.score == 1) continue
        if (c != 'performance' || !loaded) failed = 1
        for (const { id, weight } of category.auditRefs) {
          const a = best.lhr.audits[id]
          if (weight == 0 || a.score == null || a.score >= 0.995) continue
          const items = (a.details && a.details.items || []).slice(0, 4).map(x => x.node && x.node.snippet || x.description || x.source || '').join(' ')
          console.log(`  ${c}: ${id} ${a.score} ${a.displayValue || ''} ${items}`)
        }
      }
      if (late) { console.log(`  the first page of the survey can be used after ${Math.round(best.tti)} ms, not 700`); if (!loaded) failed = 1 }
      if (loaded && (best.scores[0] < 100 || late)) console.log(`  the machine has more to do than ${os.cpus().length} processors: ${os.loadavg()[0].toFixed(1)}`)
    }
  } finally {
    await chrome.kill()
    files.close()
  }
  return failed
}
main().then(code => process.exit(code), e => { console.error(e); process.exit(1) })
