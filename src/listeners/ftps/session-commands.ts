import { isAppError } from '../../domain/error.ts'
import type { Control } from './control.ts'
import { factNames } from './listing.ts'

// Commands that make and end a session: RFC 959 section 4.1.1, RFC 2228, RFC 2389, RFC 4217.

/** The mechanisms of AUTH; SSL and TLS-P are older words that mean private data connections too. */
const mechanisms = new Map<string, { private: boolean }>([
  ['TLS', { private: false }],
  ['TLS-C', { private: false }],
  ['SSL', { private: true }],
  ['TLS-P', { private: true }],
])

export async function auth(control: Control, argument: string): Promise<void> {
  if (control.secured) return control.reply(503, 'TLS is in use already')
  if (argument === '') return control.reply(501, 'AUTH TLS is needed')
  const mechanism = mechanisms.get(argument.toUpperCase())
  if (mechanism === undefined) return control.reply(504, 'AUTH TLS is needed')
  if (mechanism.private) control.protection = 'P'
  await control.upgrade(234, 'TLS begins now')
}

export async function pbsz(control: Control, argument: string): Promise<void> {
  if (!/^\d{1,10}$/.test(argument)) return control.reply(501, 'PBSZ 0 is needed')
  control.protectionBufferSet = true
  await control.reply(200, 'PBSZ=0')
}

export async function prot(control: Control, argument: string): Promise<void> {
  if (!control.protectionBufferSet) return control.reply(503, 'PBSZ 0 is needed first')
  const level = argument.toUpperCase()
  if (level === '') return control.reply(501, 'PROT P is needed')
  if (level === 'C') return control.reply(534, 'Data goes through TLS only: PROT P is needed')
  if (level === 'S' || level === 'E') return control.reply(536, 'TLS has PROT P only')
  if (level !== 'P') return control.reply(504, 'PROT P is needed')
  control.protection = 'P'
  await control.reply(200, 'Data goes through TLS')
}

export async function user(control: Control, argument: string): Promise<void> {
  if (control.session !== undefined) return control.reply(503, 'You are logged in already')
  if (argument === '') return control.reply(501, 'A name is needed')
  control.userName = argument
  await control.reply(331, 'The password, please')
}

export async function pass(control: Control, argument: string): Promise<void> {
  if (control.session !== undefined) return control.reply(503, 'You are logged in already')
  const name = control.userName
  if (name === undefined) return control.reply(503, 'USER is needed first')
  control.userName = undefined
  try {
    const session = await control.admission.loginWithPassword(name, argument)
    if (!control.open) return await session.end('connection lost')
    control.session = session
  } catch (error) {
    if (!isAppError(error, 'too_many')) throw error
    return control.dismiss(421, error.message)
  }
  await control.reply(230, 'You are in your drop folder')
}

export async function feat(control: Control): Promise<void> {
  const facts = factNames.map((name) => `${name}${control.facts.includes(name) ? '*' : ''};`)
  const features = [
    'AUTH TLS',
    'PBSZ',
    'PROT',
    'EPSV',
    ...(control.dataPorts.active ? ['EPRT'] : []),
    'PASV',
    'SIZE',
    'MDTM',
    'MFMT',
    'REST STREAM',
    'TVFS',
    `MLST ${facts.join('')}`,
    'AVBL',
    'HASH SHA-256*',
    'CLNT',
    'UTF8',
  ]
  await control.reply(211, 'Features:', ...features, 'End')
}

export async function syst(control: Control): Promise<void> {
  await control.reply(215, 'UNIX Type: L8')
}

export async function opts(control: Control, argument: string): Promise<void> {
  const [name = '', value = ''] = argument.toUpperCase().split(' ')
  if (name === '') return control.reply(501, 'The name of an option is needed')
  if (name === 'UTF8' && (value === '' || value === 'ON')) {
    return control.reply(200, 'UTF-8 is on, always')
  }
  if (name === 'MLST') {
    const wanted = value.toLowerCase().split(';')
    control.facts = factNames.filter((fact) => wanted.includes(fact))
    const chosen = control.facts.map((fact) => `${fact};`).join('')
    return control.reply(200, chosen === '' ? 'MLST OPTS' : `MLST OPTS ${chosen}`)
  }
  if (name === 'HASH' && (value === '' || value === 'SHA-256')) return control.reply(200, 'SHA-256')
  await control.reply(501, 'The option, or its value, is not known here')
}

export async function clnt(control: Control, argument: string): Promise<void> {
  control.admission.identify(argument)
  await control.reply(200, 'Noted')
}

export async function noop(control: Control): Promise<void> {
  await control.reply(200, 'Still here')
}

export async function quit(control: Control): Promise<void> {
  control.dismiss(221, 'Goodbye')
}
