// node render.mjs MODULES BROWSER VIEW... : draws each VIEW.json into VIEW.png, and writes what is seen there to VIEW.shown.json.
// MODULES is the directory of package.json with its node_modules; the program is bundled beside it once.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// Milliseconds for one step of the browser, on a machine with much else to do.
const PATIENCE = 120_000;

const [modules, browser, ...views] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(modules, 'package.json'));

const PAGE = '<!doctype html><meta charset=utf-8><link rel=stylesheet href=app.css><body style="margin:0"><div id=root></div><script src=app.js></script>';

async function bundle() {
  const sources = join(here, 'src');
  const hash = createHash('sha256');
  for (const name of readdirSync(sources).sort()) hash.update(readFileSync(join(sources, name)));
  const out = join(modules, `bundle-${hash.digest('hex').slice(0, 12)}`);
  if (!existsSync(join(out, 'app.js'))) {
    const { build } = require('esbuild');
    await build({
      entryPoints: [join(sources, 'app.tsx')],
      bundle: true,
      minify: true,
      outdir: out,
      nodePaths: [join(modules, 'node_modules')],
      jsx: 'automatic',
      define: { 'process.env.NODE_ENV': '"production"', global: 'window' },
      loader: { '.woff': 'dataurl', '.woff2': 'dataurl', '.svg': 'dataurl', '.ttf': 'empty' },
      logLevel: 'error',
    });
  }
  // A page of its own, not about:blank: the components use the storage of the page.
  writeFileSync(join(out, 'index.html'), PAGE);
  return out;
}

async function draw(page, program, view) {
  const said = [];
  page.on('pageerror', (error) => said.push(String(error.stack ?? error)));
  await page.evaluateOnNewDocument((data) => {
    window.process = { env: {} };
    window.VIEW = data;
  }, JSON.parse(readFileSync(view)));
  await page.goto(pathToFileURL(join(program, 'index.html')));
  await page.waitForFunction('window.SHOWN || window.FAILED', { timeout: PATIENCE }).catch((error) => said.push(String(error)));
  await page.waitForNetworkIdle({ idleTime: 300 });
  // Canvases are drawn in the frames after.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const failed = await page.evaluate('window.FAILED');
  const shown = await page.evaluate('window.SHOWN');
  const element = await page.$('#dashboard');
  if (element) await element.screenshot({ path: view.replace(/\.json$/, '.png') });
  writeFileSync(view.replace(/\.json$/, '.shown.json'), JSON.stringify({ panels: shown ?? [], errors: failed ? [failed, ...said] : said }));
}

const program = await bundle();
const puppeteer = (await import(pathToFileURL(require.resolve('puppeteer-core')))).default;
const chromium = await puppeteer.launch({
  executablePath: browser,
  headless: true,
  protocolTimeout: PATIENCE,
  // Without rights of root there is no sandbox to be had in a container; the page is our own.
  args: ['--no-sandbox', '--force-color-profile=srgb', '--font-render-hinting=none'],
  defaultViewport: { width: 1440, height: 1200, deviceScaleFactor: 1 },
});
try {
  for (const view of views) {
    const page = await chromium.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.setDefaultNavigationTimeout(PATIENCE);
    await draw(page, program, view);
    await page.close();
  }
} finally {
  await chromium.close();
}
