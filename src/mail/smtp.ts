import { isIP } from 'node:net'
import { createTransport } from 'nodemailer'
import type { DeliveryResult, MailTransport } from '../domain/outgoing.ts'

/** How to reach a mail server. */
export interface SmtpOptions {
  /**
   * `smtp://[user:password@]host[:port]`, port 587 unless given: STARTTLS when the server offers it, and
   * always before a password leaves for another machine. `smtps://…`, port 465: TLS from the first byte.
   */
  url: string
  /** Name of this machine in EHLO. */
  name: string
  /** Milliseconds for the connection, the greeting and an idle socket; default 30,000. */
  timeoutMs?: number
}

// A message is 14 MB at most; a few connections keep one slow recipient from holding up everyone.
const maxConnections = 3
const maxAnswer = 500

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

/** What the error of a try says: `permanent` is there when the server has answered. */
interface SmtpError {
  code?: unknown
  permanent?: unknown
  originalCode?: unknown
  message?: unknown
}

function resultOf(error: SmtpError): DeliveryResult {
  // A refused login or connection is the operator's to mend, not the recipient's fault: try again later.
  const aboutMail = error.code === 'EENVELOPE' || error.code === 'EMESSAGE'
  const refused = aboutMail && error.permanent === true
  // Deno's connection errors have no message.
  const words = [error.message, error.originalCode, error.code]
  const message =
    words.find((word): word is string => typeof word === 'string' && word !== '') ?? 'no answer'
  return { state: refused ? 'refused' : 'retry', answer: message.slice(0, maxAnswer) }
}

/** Hands messages to the mail server at `url`, over at most three connections. */
export function smtpTransport(options: SmtpOptions): MailTransport {
  const { protocol, hostname, port, username, password } = new URL(options.url)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  const secure = protocol === 'smtps:'
  const timeout = options.timeoutMs ?? 30_000
  const secret = username !== ''
  const transporter = createTransport({
    pool: true,
    maxConnections,
    host,
    port: port === '' ? (secure ? 465 : 587) : Number(port),
    secure,
    requireTLS: secret && !isLoopback(host),
    // Where plain text would do, TLS to an unproven certificate is still better than none.
    tls: { rejectUnauthorized: secure || (secret && !isLoopback(host)) },
    ...(secret
      ? { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }
      : {}),
    name: options.name,
    connectionTimeout: timeout,
    greetingTimeout: timeout,
    dnsTimeout: timeout,
    socketTimeout: timeout,
    // A connection that a server closes under us costs a minute's delay, so idle ones do not wait for that.
    idleTimeout: 20_000,
    // The sender repeats, with its own pauses; the pool doing so too could send twice in a normal run.
    maxRequeues: 0,
    allowInternalNetworkInterfaces: true,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async deliver({ from, to, raw }) {
      try {
        const { response, rejected, rejectedErrors } = await transporter.sendMail({
          envelope: { from, to },
          raw: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength),
          disableFileAccess: true,
          disableUrlAccess: true,
        })
        // The library calls it sent when one of several recipients was taken.
        const reasons = (rejectedErrors ?? []).map((error) => error.response ?? error.message)
        const refusals =
          rejected.length === 0
            ? ''
            : `; refused for ${rejected.map(String).join(', ')}: ${reasons.join(' | ')}`
        return { state: 'sent', answer: `${response}${refusals}`.slice(0, maxAnswer) }
      } catch (error) {
        return resultOf(typeof error === 'object' && error !== null ? error : {})
      }
    },
    close() {
      // Whoever closes has waited as long as it wanted to.
      transporter.close({ force: true })
    },
  }
}
