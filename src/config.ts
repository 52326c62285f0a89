import { isIPv4 } from 'node:net'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { AppError } from './domain/error.ts'
import { isNetwork } from './drop/network.ts'

/** One option: its environment variable, how it is read, its default, and a sentence for the reader. */
interface Option<T> {
  readonly name: string
  readonly sentence: string
  /** As it stands in the environment; '' for none. */
  readonly fallback: string
  /** Throws an Error whose message says what is needed. */
  readonly parse: (text: string) => T
}

function option<T>(
  name: string,
  fallback: string,
  sentence: string,
  parse: (text: string) => T,
): Option<T> {
  return { name, fallback, sentence, parse }
}

const asText = (text: string): string => text

const asOptional = (text: string): string | null => (text === '' ? null : text)

const asIPv4 = (text: string): string | null => {
  if (text === '') return null
  if (isIPv4(text)) return text
  throw new Error('an IPv4 address is needed, such as 192.0.2.7; PASV tells no other')
}

const asSwitch = (text: string): boolean => {
  if (text === 'true' || text === 'false') return text === 'true'
  throw new Error('true or false is needed')
}

const asWhole =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (/^\d+$/.test(text) && value >= least && value <= most) return value
    throw new Error(`a whole number from ${least} to ${most} is needed`)
  }

const asPort = asWhole(0, 65_535)

const asOneOf =
  <const T extends string>(...words: readonly T[]) =>
  (text: string): T => {
    const found = words.find((word) => word === text)
    if (found !== undefined) return found
    throw new Error(`one of ${words.join(', ')} is needed`)
  }

const asPortRange = (text: string): { first: number; last: number } => {
  const match = /^(\d+)-(\d+)$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2])
  if (match !== null && first >= 1024 && first <= last && last <= 65_535) return { first, last }
  throw new Error('FIRST-LAST with ports from 1024 to 65535 is needed, such as 30000-30099')
}

const asThreePorts = (text: string): readonly [number, number, number] | null => {
  if (text === '') return null
  const [sftp = 0, ftps = 0, implicit = 0, ...rest] = text.split(',').map(asWhole(1, 65_535))
  if (rest.length === 0 && implicit !== 0) return [sftp, ftps, implicit]
  throw new Error('three ports with commas are needed, such as 22,21,990')
}

const asUrl =
  (...schemes: readonly string[]) =>
  (text: string): string | null => {
    if (text === '') return null
    if (URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1))) return text
    throw new Error(`a URL with the scheme ${schemes.join(' or ')} is needed`)
  }

const asNetworks = (text: string): string[] => {
  const networks = text.split(/[\s,]+/).filter((network) => network !== '')
  if (networks.every(isNetwork)) return networks
  throw new Error('addresses and networks with commas are needed, such as 192.0.2.7,10.0.0.0/8')
}

/** Every option of the server; docs/configuration.md and examples/server.env are made from this table. */
export const options = {
  dataDir: option('DATA_DIR', 'data', 'Folder of the databases, the files and the keys', resolve),
  databaseUrl: option(
    'DATABASE_URL',
    '',
    'PostgreSQL database, such as postgres://user:password@host/rosterdrop; none means SQLite files in DATA_DIR',
    asUrl('postgres', 'postgresql'),
  ),
  storageUrl: option(
    'STORAGE_URL',
    '',
    'Where files are kept, such as s3://bucket/prefix; none means BUCKET_NAME, or the folder `files` in DATA_DIR',
    asUrl('file', 's3'),
  ),
  bucketName: option(
    'BUCKET_NAME',
    '',
    'Bucket to keep files in when STORAGE_URL is not set; `fly storage create` sets it and the next four',
    asOptional,
  ),
  s3Endpoint: option(
    'AWS_ENDPOINT_URL_S3',
    '',
    'S3 server of the bucket; none means AWS',
    asUrl('http', 'https'),
  ),
  s3AccessKeyId: option(
    'AWS_ACCESS_KEY_ID',
    '',
    'Access key of the bucket; none means the role of this machine',
    asOptional,
  ),
  s3SecretAccessKey: option('AWS_SECRET_ACCESS_KEY', '', 'Secret of that access key', asOptional),
  s3Region: option('AWS_REGION', 'us-east-1', 'Region of the bucket', asText),
  s3PathStyle: option(
    'S3_PATH_STYLE',
    'auto',
    "Whether the bucket's name goes into the path; auto: not for AWS, Tigris and R2, else yes",
    asOneOf('auto', 'true', 'false'),
  ),
  host: option('HOST', '0.0.0.0', 'Address that SFTP and FTPS listen on', asText),
  sftpPort: option('SFTP_PORT', '2222', 'Port of SFTP; 0 takes a free one', asPort),
  ftpsPort: option('FTPS_PORT', '2121', 'Port of FTPS with AUTH TLS; 0 takes a free one', asPort),
  ftpsImplicitPort: option(
    'FTPS_IMPLICIT_PORT',
    '2990',
    'Port of FTPS that starts with TLS; 0 takes a free one',
    asPort,
  ),
  ftpsPassivePorts: option(
    'FTPS_PASSIVE_PORTS',
    '30000-30099',
    'Ports of FTPS data connections; the firewall must let them in',
    asPortRange,
  ),
  ftpsPassiveHost: option(
    'FTPS_PASSIVE_HOST',
    '',
    'IPv4 address that clients reach the passive ports at; none means the one they came to',
    asIPv4,
  ),
  ftpsActiveMode: option(
    'FTPS_ACTIVE_MODE',
    'false',
    'Whether FTPS connects to a port of the client when it asks (PORT, EPRT); old clients behind no firewall need it',
    asSwitch,
  ),
  proxyProtocol: option(
    'PROXY_PROTOCOL',
    'false',
    'Whether a proxy in front announces the real client by PROXY protocol v1 or v2',
    asSwitch,
  ),
  allowList: option(
    'ALLOW_LIST',
    '',
    'Addresses and networks (CIDR) that get no penalty and no limit of connections, such as a monitor; with commas',
    asNetworks,
  ),
  webhookNetworks: option(
    'WEBHOOK_NETWORKS',
    '',
    'Private addresses and networks (CIDR) that webhooks may go to, by http too; with commas',
    asNetworks,
  ),
  sftpAlgorithms: option(
    'SFTP_ALGORITHMS',
    'strict',
    '`compat` also lets devices in that know no algorithm from after 2014; see docs/security.md',
    asOneOf('strict', 'compat'),
  ),
  tlsCertFile: option(
    'TLS_CERT_FILE',
    '',
    'Certificate chain for FTPS, PEM; none means one made here, signed by itself',
    asOptional,
  ),
  tlsKeyFile: option('TLS_KEY_FILE', '', 'Key of that certificate, PEM', asOptional),
  httpHost: option(
    'HTTP_HOST',
    '127.0.0.1',
    'Address of the HTTP interface; it speaks no TLS, so anything but loopback needs a TLS proxy in front',
    asText,
  ),
  publicUrl: option(
    'PUBLIC_URL',
    '',
    'Where people reach the console, such as https://drop.example.com; none means the HTTP address and port',
    asUrl('http', 'https'),
  ),
  publicPorts: option(
    'PUBLIC_PORTS',
    '',
    'Ports that clients reach SFTP, FTPS and implicit FTPS at, such as 22,21,990; none means those listened on',
    asThreePorts,
  ),
  httpPort: option('HTTP_PORT', '8080', 'Port of the HTTP interface; 0 takes a free one', asPort),
  metricsPort: option(
    'METRICS_PORT',
    '',
    'Port that gives /metrics to anyone, at HTTP_HOST, for a scraper of a private network; none means with a token on HTTP_PORT only',
    (text) => (text === '' ? null : asPort(text)),
  ),
  importIntervalMinutes: option(
    'IMPORT_INTERVAL_MINUTES',
    '5',
    'How often the drop folders are swept for files that came by no session',
    asWhole(1, 1440),
  ),
  role: option(
    'ROLE',
    'all',
    'What this process does: take files in (ingest), import them (worker), or all; others than all need DATABASE_URL',
    asOneOf('all', 'ingest', 'worker'),
  ),
  importWorkers: option(
    'IMPORT_WORKERS',
    String(Math.max(1, availableParallelism() - 1)),
    'Imports that run at once, one a client; the default is one less than the processors',
    asWhole(1, 64),
  ),
  smtpUrl: option(
    'SMTP_URL',
    '',
    'Mail server, such as smtps://user:password@mail.example.com; none means mails are only kept',
    asUrl('smtp', 'smtps'),
  ),
  mailHost: option(
    'MAIL_HOST',
    'rosterdrop.localhost',
    'Name of this server in EHLO and Message-ID',
    asText,
  ),
  stopGraceSeconds: option(
    'STOP_GRACE_SECONDS',
    '30',
    'How long a stop waits for transfers that are under way',
    asWhole(0, 3600),
  ),
  logLevel: option(
    'LOG_LEVEL',
    'info',
    'Least level that is logged',
    asOneOf('debug', 'info', 'warn', 'error'),
  ),
} as const

type Options = typeof options

/** The configuration, parsed. */
export type Config = { readonly [K in keyof Options]: ReturnType<Options[K]['parse']> }

/**
 * Reads the whole configuration from `environment`; an empty variable means its default.
 *
 * Throws one Error that names every variable that cannot be used and what it needs.
 */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const problems: string[] = []
  const read = <T>({ name, fallback, parse }: Option<T>): T | undefined => {
    const given = environment[name] ?? ''
    // An empty variable is none: an empty address would listen at all, an empty folder be the current one.
    const text = given === '' ? fallback : given
    try {
      return parse(text)
    } catch (error) {
      const needed = error instanceof Error ? error.message : String(error)
      problems.push(`  ${name}="${text}": ${needed}`)
      return undefined
    }
  }
  const entries = Object.entries(options).map(([key, entry]) => [key, read<unknown>(entry)])
  const certFile = environment[options.tlsCertFile.name] ?? ''
  const keyFile = environment[options.tlsKeyFile.name] ?? ''
  if ((certFile === '') !== (keyFile === '')) {
    problems.push('  TLS_CERT_FILE and TLS_KEY_FILE: both or neither are needed')
  }
  const secret = environment[options.s3SecretAccessKey.name] ?? ''
  if ((environment[options.s3AccessKeyId.name] ?? '') === '' ? secret !== '' : secret === '') {
    problems.push('  AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: both or neither are needed')
  }
  if (['ingest', 'worker'].includes(environment['ROLE'] ?? '') && !environment['DATABASE_URL']) {
    problems.push('  ROLE: only all is possible without DATABASE_URL, which processes share')
  }
  if (problems.length > 0) {
    throw new AppError(
      'unavailable',
      `Cannot read the configuration from the environment:\n${problems.join('\n')}`,
    )
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each key was read by its own parser
  return Object.fromEntries(entries) as Config
}

type Stored = Pick<Config, 'dataDir' | 'databaseUrl' | 'storageUrl' | 'bucketName'>

/** The names in DATA_DIR. */
export function dataPaths({ dataDir, databaseUrl, storageUrl, bucketName }: Stored) {
  const bucketUrl = bucketName === null ? null : `s3://${bucketName}`
  return {
    databaseUrl: databaseUrl ?? `sqlite:${pathToFileURL(dataDir).href.slice('file:'.length)}`,
    storageUrl: storageUrl ?? bucketUrl ?? join(dataDir, 'files'),
    hostKeyFile: join(dataDir, 'keys', 'ssh_host_ed25519_key'),
    tlsCertFile: join(dataDir, 'keys', 'tls.crt'),
    tlsKeyFile: join(dataDir, 'keys', 'tls.key'),
  }
}

/** What a file store needs to know beside its URL. */
export function storeSettings(config: Config) {
  return {
    s3: {
      endpoint: config.s3Endpoint,
      region: config.s3Region,
      accessKeyId: config.s3AccessKeyId,
      secretAccessKey: config.s3SecretAccessKey,
      pathStyle: config.s3PathStyle,
      spoolFolder: join(config.dataDir, 'spool'),
    },
  }
}
