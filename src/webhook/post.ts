import { lookup } from 'node:dns/promises'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { addressBytes, isInNetwork } from '../domain/network.ts'
import { isPublicAddress } from '../domain/public-address.ts'
import { withoutNul } from '../domain/nul.ts'

/** What became of one try. */
export interface PostResult {
  /** HTTP status; null when there was no answer. */
  status: number | null
  /** The beginning of the answer, or what went wrong. */
  answer: string
}

export interface PostOptions {
  /** Networks that are no part of the public Internet and allowed all the same; plain http goes there alone. */
  networks: readonly string[]
  timeoutMs: number
  /** Every numeric address of a name; default: the system's resolver. */
  resolve?: (host: string) => Promise<string[]>
}

// Enough to see what the receiver does not like; it is kept in the log of deliveries.
const answerBytes = 500

const systemResolve = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

/**
 * The address to connect to, checked, so that no later answer of the name server can lead elsewhere.
 *
 * Throws when the name has an address that is not allowed: a name with a public and a private one is a trap.
 */
async function checkedAddress(url: URL, options: PostOptions): Promise<string> {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const resolve = options.resolve ?? systemResolve
  const addresses = addressBytes(host) === undefined ? await resolve(host) : [host]
  const [first] = addresses
  if (first === undefined) throw new Error('the host has no address')
  for (const address of addresses) {
    const bytes = addressBytes(address.replace(/%.*$/, '')) ?? []
    const allowed = options.networks.some((network) => isInNetwork(bytes, network))
    if (allowed) continue
    if (!isPublicAddress(address)) {
      throw new Error('the host is in a private network, which WEBHOOK_NETWORKS does not name')
    }
    if (url.protocol !== 'https:') throw new Error('https is needed outside of WEBHOOK_NETWORKS')
  }
  return first
}

/** Posts `body` once: redirects are not followed, and the connection goes to the address that was checked. */
export async function post(
  url: URL,
  { body, headers }: { body: string; headers: Readonly<Record<string, string>> },
  options: PostOptions,
): Promise<PostResult> {
  try {
    const address = await checkedAddress(url, options)
    return await send(url, { address, body, headers, timeoutMs: options.timeoutMs })
  } catch (error) {
    const answer = error instanceof Error ? error.message : String(error)
    return { status: null, answer: answer.slice(0, answerBytes) }
  }
}

interface Sending {
  address: string
  body: string
  headers: Readonly<Record<string, string>>
  timeoutMs: number
}

function send(url: URL, { address, body, headers, timeoutMs }: Sending): Promise<PostResult> {
  const { promise, resolve, reject } = Promise.withResolvers<PostResult>()
  const secure = url.protocol === 'https:'
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const request = (secure ? requestHttps : requestHttp)({
    host: address,
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
    path: url.pathname + url.search,
    method: 'POST',
    headers: { ...headers, host: url.host, 'content-length': Buffer.byteLength(body) },
    agent: false,
    // The certificate must be that of the name, not of the address.
    ...(secure && addressBytes(host) === undefined ? { servername: host } : {}),
  })
  // From the first byte out to the last byte in: a receiver that drips holds a place in the queue.
  const timer = setTimeout(
    () => request.destroy(new Error(`no answer within ${timeoutMs / 1000} seconds`)),
    timeoutMs,
  )
  request.on('error', reject)
  request.on('response', (response) => {
    let text = ''
    const done = () => {
      const { statusCode = 0, headers: told } = response
      const redirect = statusCode >= 300 && statusCode < 400
      const answer = redirect ? `redirects are not followed: ${told.location ?? ''}` : text
      resolve({ status: statusCode, answer: withoutNul(answer.slice(0, answerBytes)) })
      request.destroy()
    }
    response.setEncoding('utf8')
    response.on('data', (piece: string) => {
      text += piece
      if (text.length >= answerBytes) done()
    })
    response.on('end', done)
    response.on('error', done)
  })
  request.end(body)
  return promise.finally(() => clearTimeout(timer))
}
