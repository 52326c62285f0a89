import { S3Client } from '@aws-sdk/client-s3'

/** How a bucket is reached. */
export interface S3Options {
  bucket: string
  /** Put before every path, without `/` at its ends; '' for none. */
  prefix: string
  /** Of a server that is not AWS. */
  endpoint: string | null
  region: string
  /** Both or neither: without them the SDK's own chain finds a role or a profile. */
  accessKeyId: string | null
  secretAccessKey: string | null
  /** Whether the bucket's name is in the path instead of in the host's name; `auto` goes by the endpoint. */
  pathStyle: 'auto' | 'true' | 'false'
  /** Folder on this machine for bytes on their way; nothing in it outlives the process. */
  spoolFolder: string
  /** A server that says nothing for so long is tried again on another connection. Default: 10 s. */
  idleMs?: number
  /** A process that has not renewed its lease for so long is dead. Default: 60 s. */
  leaseMs?: number
}

/** Servers that want the bucket in the host's name; every other takes it in the path. */
const virtualHosts =
  /(^|\.)(amazonaws\.com(\.cn)?|tigris\.dev|storage\.dev|r2\.cloudflarestorage\.com)$/

function wantsPathStyle({ endpoint, pathStyle }: S3Options): boolean {
  if (pathStyle !== 'auto') return pathStyle === 'true'
  return endpoint !== null && !virtualHosts.test(new URL(endpoint).hostname)
}

const defaultIdleMs = 10_000
// Copying 1 GiB inside of the bucket takes a while in which some servers say nothing.
const copyIdleMs = 120_000

/**
 * What the SDK would otherwise look for in the files of a home folder: a setting comes from our configuration alone,
 * and Deno needs no right to read them.
 */
const settled = {
  authSchemePreference: ['sigv4'] as string[],
  defaultsMode: 'standard',
  disableClockSkewCorrection: false,
  disableS3ExpressSessionAuth: true,
  // Each part would wait for leave to send its body, on a connection of its own that is thrown away.
  expectContinueHeader: false,
  retryMode: 'standard',
  useArnRegion: false,
  useDualstackEndpoint: false,
  useFipsEndpoint: false,
  userAgentAppId: 'rosterdrop',
  // The SDK's own names this machine's operating system, which Deno would have to be allowed to ask for.
  defaultUserAgentProvider: async (): Promise<[string, string][]> => [['rosterdrop', '0']],
} as const

/** Clients for short requests and for those that the server takes long for. */
export function createClients(options: S3Options): { client: S3Client; patient: S3Client } {
  const { accessKeyId, secretAccessKey, region } = options
  const china = region.startsWith('cn-') ? '.cn' : ''
  const endpoint = options.endpoint ?? `https://s3.${region}.amazonaws.com${china}`
  const made = (socketTimeout: number): S3Client =>
    new S3Client({
      region,
      endpoint,
      ...(accessKeyId === null || secretAccessKey === null
        ? {}
        : { credentials: { accessKeyId, secretAccessKey } }),
      forcePathStyle: wantsPathStyle(options),
      // S3-compatible servers refuse or corrupt uploads with the trailing checksums that are the default.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      // See s3-retry.ts.
      maxAttempts: 1,
      ...settled,
      sigv4aSigningRegionSet: [region],
      requestHandler: { connectionTimeout: 5_000, socketTimeout },
    })
  return {
    client: made(options.idleMs ?? defaultIdleMs),
    patient: made(options.idleMs ?? copyIdleMs),
  }
}
