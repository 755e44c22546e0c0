// Answers at a kiosk with Chromium: argv is the address of the kiosk, that of the control of its
// server (/off, /on), a directory for the profile, how many answers to give. Writes one JSON object.
const fs = require('fs')
const modules = process.env.VEFA_NODE_MODULES
const { chromium } = require(modules + '/playwright-core')
const axe = fs.readFileSync(modules + '/axe-core/axe.min.js', 'utf8')
const [kiosk, control, profile, count] = process.argv.slice(2)
const options = { executablePath: process.env.CHROMIUM || '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'], viewport: { width: 800, height: 1200 } }
const server = what => fetch(control + what).then(r => r.text())
const out = { violations: [], axe: [] }

async function open(more) {
  const context = await chromium.launchPersistentContext(profile, { ...options, ...more })
  const page = context.pages()[0] || await context.newPage()
  page.on('console', m => { if (/Content Security Policy|Uncaught/.test(m.text())) out.violations.push(m.text()) })
  page.on('pageerror', e => out.violations.push(String(e)))
  return [context, page]
}

// report is the page of the worker about its queue, in a tab of its own.
async function report(context) {
  const tab = await context.newPage()
  await tab.goto(kiosk + 'queue?lang=tr')
  const text = await tab.innerText('body')
  await tab.close()
  return text
}
const waiting = async context => Number(/: (\d+)/.exec(await report(context))[1])

async function answer(page, i) {
  await page.goto(kiosk + 'ask?lang=tr', { waitUntil: 'commit' })
  await page.waitForSelector('button[type=submit]')
  await page.click(`label:has(input[name="q.score"][value="${i % 11}"])`)
  if (i % 11 <= 6) await page.fill('textarea[name="q.why"]', 'neden ' + i)
  await page.click('button[type=submit]')
  await page.waitForURL(/thanks/, { waitUntil: 'commit' })
}

async function look(page, name) {
  await page.evaluate(axe)
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }))
  for (const v of found.violations) for (const n of v.nodes) out.axe.push(name + ' ' + v.id + ' ' + n.target.join(' ') + ' ' + n.failureSummary)
}

async function main() {
  let [context, page] = await open({ bypassCSP: true })
  await page.goto(kiosk)
  await look(page, 'start')
  await page.click('a[lang=tr]')
  await look(page, 'ask')
  // What shows, and is sent, follows from the answer.
  const why = page.locator('textarea[name="q.why"]')
  out.hidden = await why.isHidden() && await why.isDisabled()
  await page.click('label:has(input[value="3"])')
  out.shown = await why.isVisible() && await why.isEnabled()
  await page.click('button[type=submit]')
  out.required = /ask/.test(page.url()) // a browser asks for it
  await page.click('label:has(input[value="9"])')
  out.hiddenAgain = await why.isHidden()
  await page.goto(kiosk + 'thanks?lang=tr')
  await page.waitForSelector('#w button')
  await look(page, 'thanks')

  // Idle: the page says so, goes on for whoever touches it, and else begins anew.
  await page.clock.install()
  await page.goto(kiosk + 'ask?lang=tr')
  await page.click('label:has(input[value="9"])')
  await page.clock.runFor(65000)
  out.calm = await page.locator('#w').innerText()
  await page.clock.runFor(10000)
  out.warned = await page.locator('#w').innerText()
  await look(page, 'idle')
  await page.click('#w button')
  out.stayed = await page.locator('#w').innerText()
  await page.clock.runFor(80000)
  out.still = /ask/.test(page.url())
  await page.clock.runFor(15000)
  await page.waitForURL(kiosk)
  out.reset = true
  await context.close()

  // Offline: with its own policy, nothing bypassed.
  ;[context, page] = await open()
  await page.goto(kiosk)
  await page.evaluate(() => navigator.serviceWorker.ready)
  await page.reload()
  out.controlled = await page.evaluate(() => !!navigator.serviceWorker.controller)
  await server('/off')
  const started = Date.now()
  for (let i = 0; i < count / 2; i++) await answer(page, i)
  await page.goBack({ waitUntil: 'load' }) // the next person does not see what was answered
  out.left = await page.evaluate(() => document.querySelectorAll('input:checked').length + [...document.querySelectorAll('textarea')].filter(e => e.value).length)
  out.halfway = await waiting(context)
  process.kill(Number(fs.readlinkSync(profile + '/SingletonLock').split('-').pop()), 'SIGKILL') // not closed: killed
  await new Promise(r => context.once('close', r))
  for (const f of ['SingletonLock', 'SingletonCookie', 'SingletonSocket']) fs.rmSync(profile + '/' + f, { force: true })

  ;[context, page] = await open()
  for (let i = Math.ceil(count / 2); i < count; i++) await answer(page, i)
  out.seconds = (Date.now() - started) / 1000
  out.offline = await waiting(context)
  await server('/on')
  const until = Date.now() + 60000
  do {
    await page.evaluate(() => navigator.serviceWorker.controller.postMessage(0))
    await page.waitForTimeout(100)
    out.end = await waiting(context)
  } while (out.end > 0 && Date.now() < until)
  out.report = await report(context)
  await context.close()
  console.log(JSON.stringify(out))
}
main().catch(e => { console.error(e, JSON.stringify(out)); process.exit(1) })
