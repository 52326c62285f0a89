// Installs what is missing before a package script runs, and nothing when nothing changed.
// Plain JavaScript for Node 20: the scripts after it run on the Node 26 that this brings along.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const top = join(dirname(fileURLToPath(import.meta.url)), '..')
const stamp = join(top, 'node_modules', '.rosterdrop-installed')
const wanted = createHash('sha256')
  .update(readFileSync(join(top, 'package-lock.json')))
  .digest('hex')

const installed = existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted
if (!installed) {
  process.stderr.write('Installing packages (first run only, about a minute) …\n')
  // Install scripts are not needed by any of our packages, so they do not get to run.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env['npm_execpath']
  const run = npm?.endsWith('.js')
    ? spawnSync(process.execPath, [npm, ...args], { cwd: top, stdio: ['ignore', 2, 2] })
    : spawnSync('npm', args, {
        cwd: top,
        stdio: ['ignore', 2, 2],
        shell: process.platform === 'win32',
      })
  if (run.status !== 0) {
    process.stderr.write('Cannot install the packages: npm ci failed, see its message above\n')
    process.exit(run.status ?? 1)
  }
  writeFileSync(stamp, wanted)
}
