import ssh2 from 'ssh2'
import type { AuthContext, AuthenticationType, Connection, PublicKeyAuthContext } from 'ssh2'
import type { Admission, DropSession } from '../../domain/drop.ts'
import { isAppError } from '../../domain/error.ts'
import type { Log } from '../../domain/log.ts'

const methods: AuthenticationType[] = ['publickey', 'password']

export interface LoginOptions {
  connection: Connection
  admission: Admission
  log: Log
  maxRequests: number
  /** The peer is in. */
  onSession(session: DropSession): void
  /** The connection has to be closed. */
  onRefused(): void
}

/** The key of a signed request or a probe; undefined when its blob is not what it says it is. */
function parsedKey(context: PublicKeyAuthContext): ssh2.ParsedKey | undefined {
  const { algo, data } = context.key
  const key = ssh2.utils.parseKey(`${algo} ${data.toString('base64')}`)
  if (key instanceof Error || key.type !== algo) return undefined
  return key.getPublicSSH().equals(data) ? key : undefined
}

/** Whether the request is signed by its key; never with SHA-1, which is what `ssh-rsa` without a hash means. */
function isSigned(context: PublicKeyAuthContext, key: ssh2.ParsedKey): boolean {
  const { blob, signature, hashAlgo } = context
  if (blob === undefined || signature === undefined) return false
  if (key.type === 'ssh-rsa' && hashAlgo === undefined) return false
  try {
    return key.verify(blob, signature, hashAlgo)
  } catch {
    return false
  }
}

/** Answers the login requests of a connection by asking the doorkeeper. */
export function serveLogin(options: LoginOptions): void {
  const { connection, admission, log } = options
  let requests = 0
  let over = false

  async function session(context: AuthContext): Promise<DropSession | 'probed' | undefined> {
    if (context.method === 'password' && typeof context.password === 'string') {
      return admission.loginWithPassword(context.username, context.password)
    }
    if (context.method !== 'publickey') return undefined
    const key = parsedKey(context)
    if (key === undefined) return undefined
    const blob = context.key.data.toString('base64')
    if (context.signature === undefined) {
      if (key.type === 'ssh-rsa' && context.hashAlgo === undefined) return undefined
      const accepted = await admission.acceptsKey(context.username, key.type, blob)
      return accepted ? 'probed' : undefined
    }
    if (!isSigned(context, key)) return undefined
    return admission.loginWithKey(context.username, key.type, blob)
  }

  async function answer(context: AuthContext): Promise<void> {
    try {
      const result = await session(context)
      if (result === undefined) context.reject(methods)
      else if (result === 'probed') context.accept()
      else {
        options.onSession(result)
        context.accept()
      }
    } catch (error) {
      if (isAppError(error, 'too_many')) {
        over = true
        options.onRefused()
        return
      }
      if (!isAppError(error)) log.error('login failed for an internal reason', { error })
      context.reject(methods)
    }
  }

  connection.on('authentication', (context) => {
    requests += 1
    if (over) return
    if (requests > options.maxRequests) {
      over = true
      options.onRefused()
      return
    }
    void answer(context)
  })
}
