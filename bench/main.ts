/** Every measurement; each prints its own table and the machine is named above it. */
const benches: Record<string, () => Promise<{ run: (args: string[]) => Promise<void> }>> = {
  import: () => import('./import.ts'),
  start: () => import('./start.ts'),
  login: () => import('./login.ts'),
  scale: () => import('./scale.ts'),
  costs: () => import('./costs.ts'),
  arrivals: () => import('./arrivals.ts'),
  transfer: () => import('./transfer.ts'),
  processes: () => import('./processes.ts'),
  commit: () => import('./commit.ts'),
  sftp: () => import('./sftp.ts'),
  http: () => import('./http.ts'),
  console: () => import('./console.ts'),
  ftps: () => import('./ftps.ts'),
  s3: () => import('./s3.ts'),
}

const [name = '', ...args] = process.argv.slice(2)
const found = Object.entries(benches).find(([known]) => known === name)
if (found === undefined) {
  console.error(`Cannot measure "${name}": one of ${Object.keys(benches).join(', ')} is needed`)
  process.exit(2)
}
const { run }: { run: (args: string[]) => Promise<void> } = await found[1]()
await run(args)
