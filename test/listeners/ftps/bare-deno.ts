// Deno's own TLS server, as a process of its own. Argument: a PEM with certificate and key. Prints its port, and how
// each connection has ended.
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { createServer } from 'node:tls'

const pem = readFileSync(process.argv[2] ?? '', 'utf8')
const server = createServer({ cert: pem, key: pem }, (tls) => {
  let bytes = 0
  tls.on('data', (chunk: Buffer) => (bytes += chunk.length))
  tls.on('end', () => console.log(`end ${bytes}`))
  tls.on('error', () => console.log(`error ${bytes}`))
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`port ${typeof address === 'object' && address !== null ? address.port : 0}`)
})
