import SftpClient from 'ssh2-sftp-client'

// A process of its own, so that its encryption does not keep the one waiting that measures answers: sends a file of
// 8 MiB again and again, each in a session of its own, until it is ended.
const [port, username = '', password = ''] = process.argv.slice(2)
const body = Buffer.alloc(8 * 2 ** 20, 'a')
for (;;) {
  const client = new SftpClient()
  await client.connect({ host: '127.0.0.1', port: Number(port), username, password })
  await client.put(body, '/other.csv.part')
  await client.end()
}
