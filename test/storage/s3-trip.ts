// Run as a program of its own, by Node or Deno: many uploads at once into a bucket, and what that took of memory.
import { createHash, randomBytes } from 'node:crypto'
import { openFileStore } from '../../storage/index.ts'
import type { FileStore } from '../../src/domain/storage.ts'

const [
  url = '',
  endpoint = '',
  accessKeyId = '',
  secretAccessKey = '',
  spoolFolder = '',
  count = '',
] = process.argv.slice(2)
const files: FileStore = await openFileStore(url, {
  s3: {
    endpoint,
    region: 'us-east-1',
    accessKeyId,
    secretAccessKey,
    pathStyle: 'auto',
    spoolFolder,
  },
})
const chunk = randomBytes(256 * 1024)
const chunks = 256

async function upload(path: string, pieces: number): Promise<void> {
  const staged = await files.openWrite(path)
  for (let n = 0; n < pieces; n += 1) await staged.write(n * chunk.length, chunk)
  await staged.commit()
}

const megabytes = (): number => process.memoryUsage.rss() / 1e6

// What every process with a bucket has: the SDK, a connection, one part's buffer.
await upload('warm', 1)
await files.remove('warm')
const before = megabytes()
let most = before
const timer = setInterval(() => (most = Math.max(most, megabytes())), 10)
const paths = Array.from({ length: Number(count) }, (_, n) => `many/${n}.csv`)
await Promise.all(paths.map((path) => upload(path, chunks)))
clearInterval(timer)

const wanted = createHash('sha256')
for (let n = 0; n < chunks; n += 1) wanted.update(chunk)
const found = createHash('sha256')
const reader = await files.openRead('many/0.csv')
for (let position = 0; position < reader.size;) {
  const part = await reader.read(position, 1_000_000)
  found.update(part)
  position += part.length
}
await reader.close()
await files.move('many/0.csv', 'moved/0.csv')
const listed = await files.list('many')
await files.close()
console.log(
  JSON.stringify({
    same: wanted.digest('hex') === found.digest('hex'),
    listed: listed.length,
    sizes: [...new Set(listed.map(({ size }) => size))],
    addedMegabytes: most - before,
    before,
  }),
)
