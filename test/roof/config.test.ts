import { describe, expect, test } from 'vitest'
import { dataPaths, options, readConfig } from '../../src/config.ts'

describe('readConfig()', () => {
  test('gives every option its default from an empty environment', () => {
    const config = readConfig({})
    expect(Object.keys(config).sort()).toEqual(Object.keys(options).sort())
    expect(config).toMatchObject({
      sftpPort: 2222,
      httpHost: '127.0.0.1',
      importIntervalMinutes: 5,
      smtpUrl: null,
      allowList: [],
      sftpAlgorithms: 'strict',
      ftpsPassivePorts: { first: 30_000, last: 30_099 },
    })
  })

  test('takes an empty variable for one that is not set', () => {
    const empty = Object.values(options).map(({ name }) => [name, ''])
    expect(readConfig(Object.fromEntries(empty))).toEqual(readConfig({}))
  })

  test('refuses a passive address that PASV cannot tell', () => {
    expect(readConfig({ FTPS_PASSIVE_HOST: '192.0.2.7' }).ftpsPassiveHost).toBe('192.0.2.7')
    for (const host of ['bogus.example', '2001:db8::7', '192.0.2.300']) {
      expect(() => readConfig({ FTPS_PASSIVE_HOST: host })).toThrow(/an IPv4 address is needed/)
    }
  })

  test('reads networks with commas, and refuses what is none', () => {
    const { allowList } = readConfig({ ALLOW_LIST: '192.0.2.7, 10.0.0.0/8,2001:db8::/32' })
    expect(allowList).toEqual(['192.0.2.7', '10.0.0.0/8', '2001:db8::/32'])
    expect(() => readConfig({ ALLOW_LIST: '10.0.0.0/33' })).toThrow(/addresses and networks/)
  })

  test('names every variable that cannot be used in one message', () => {
    const read = () =>
      readConfig({
        SFTP_PORT: '70000',
        IMPORT_INTERVAL_MINUTES: '0',
        SMTP_URL: 'http://mail.example',
        LOG_LEVEL: 'loud',
        TLS_CERT_FILE: 'a.pem',
      })
    expect(read).toThrow(/SFTP_PORT="70000": a whole number from 0 to 65535 is needed/)
    expect(read).toThrow(/IMPORT_INTERVAL_MINUTES="0": a whole number from 1 to 1440 is needed/)
    expect(read).toThrow(/SMTP_URL=.*smtp or smtps/)
    expect(read).toThrow(/LOG_LEVEL="loud": one of debug, info, warn, error/)
    expect(read).toThrow(/TLS_CERT_FILE and TLS_KEY_FILE: both or neither/)
  })
})

test('a bucket needs both of its keys or none, and STORAGE_URL comes before BUCKET_NAME', () => {
  expect(() => readConfig({ BUCKET_NAME: 'files', AWS_ACCESS_KEY_ID: 'id' })).toThrow(
    /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: both or neither are needed/,
  )
  const withoutKeys = readConfig({ BUCKET_NAME: 'files' })
  expect(dataPaths(withoutKeys).storageUrl).toBe('s3://files')
  const both = readConfig({ BUCKET_NAME: 'files', STORAGE_URL: 's3://other/prefix' })
  expect(dataPaths(both).storageUrl).toBe('s3://other/prefix')
  expect(dataPaths(readConfig({ DATA_DIR: '/data' })).storageUrl).toBe('/data/files')
})
