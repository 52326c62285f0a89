import { keepCompiled } from './compile-cache.ts'

keepCompiled()
const { runCommand } = await import('./cli.ts')

process.exitCode = await runCommand(process.argv.slice(2))
