// Runs an evening by the button of the page that stdin names, one JSON {"url"}: the script of the page shows how far it is
// and comes back when it has ended; without script a link does. Writes what goes wrong, one JSON {"page", "look",
// "rule", "target", "text"} a line; at last {"looks": n}.
const { chromium } = require(process.env.VEFA_NODE_MODULES + '/playwright-core')
const { url } = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const say = o => process.stdout.write(JSON.stringify(o) + '\n')

async function main() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ['--no-sandbox', '--disable-gpu'] })
  for (const script of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled: script })
    const page = await context.newPage()
    await page.goto(url)
    const was = await page.textContent('main h2')
    await page.click('form[action="/night"] button')
    if (!script) await page.click('noscript a', { timeout: 5000 }).catch(() => {}) // it may have ended already
    await page.waitForFunction(was => !document.getElementById('progress') && document.querySelector('main h2').textContent != was, was, { timeout: 60000 })
      .catch(e => say({ page: url, look: 'script ' + script, rule: 'the evening does not end', target: '', text: String(e) }))
    await context.close()
  }
  await browser.close()
  say({ looks: 2 })
}
main().catch(e => { console.error(e); process.exit(1) })
