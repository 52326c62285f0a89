import { keepCompiled } from './compile-cache.ts'

keepCompiled()
const { runCommand } = await import('./cli.ts')

const code = await runCommand(process.argv.slice(2))
// What a start that failed has opened, such as connections to a database, would keep the process for ever.
if (code > 0) process.exit(code)
