import { run as runCommit } from './commit.ts'
import { run as runFtps } from './ftps.ts'
import { run as runSftp } from './sftp.ts'

/** `npm run bench -- transfer`: everything about transfers, one after the other; `rounds=N` for fewer of FTPS. */
export async function run(args: string[]): Promise<void> {
  await runSftp([])
  await runFtps(args.filter((word) => word.startsWith('rounds=')))
  await runCommit()
}
