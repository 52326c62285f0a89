import type { Control } from './connection.ts'

// Commands that make and end a session: RFC 959 section 4.1.1, RFC 2228, RFC 2389, RFC 4217.

export async function auth(control: Control, argument: string): Promise<void> {
  if (control.secured) return control.reply(503, 'TLS is in use already')
  if (!['TLS', 'TLS-C', 'SSL'].includes(argument.toUpperCase())) {
    return control.reply(504, 'AUTH TLS is needed')
  }
  await control.upgrade(234, 'TLS begins now')
}

export async function pbsz(control: Control): Promise<void> {
  control.protectionBufferSet = true
  await control.reply(200, 'PBSZ=0')
}

export async function prot(control: Control, argument: string): Promise<void> {
  if (!control.protectionBufferSet) return control.reply(503, 'PBSZ 0 is needed first')
  const level = argument.toUpperCase()
  if (level !== 'P') {
    return ['C', 'S', 'E'].includes(level)
      ? control.reply(536, 'Data goes through TLS only: PROT P is needed')
      : control.reply(504, 'PROT P is needed')
  }
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
  const session = await control.admission.loginWithPassword(name, argument)
  if (!control.open) return session.end('connection lost')
  control.session = session
  await control.reply(230, 'You are in your drop folder')
}

const features = [
  'AUTH TLS',
  'PBSZ',
  'PROT',
  'EPSV',
  'PASV',
  'SIZE',
  'MDTM',
  'MFMT',
  'REST STREAM',
  'TVFS',
  'MLST type*;size*;modify*;perm*;',
  'AVBL',
  'HASH SHA-256*',
  'CLNT',
  'UTF8',
]

export async function feat(control: Control): Promise<void> {
  await control.reply(211, 'Features:', ...features.map((line) => ` ${line}`), 'End')
}

export async function syst(control: Control): Promise<void> {
  await control.reply(215, 'UNIX Type: L8')
}

export async function opts(control: Control, argument: string): Promise<void> {
  const [name = '', ...rest] = argument.toUpperCase().split(' ')
  if (name === 'UTF8' && (rest[0] ?? 'ON') === 'ON')
    return control.reply(200, 'UTF-8 is on, always')
  if (name === 'MLST') return control.reply(200, 'MLST OPTS type;size;modify;perm;')
  if (name === 'HASH' && (rest[0] ?? 'SHA-256') === 'SHA-256') return control.reply(200, 'SHA-256')
  await control.reply(501, 'The option is not known here')
}

export async function clnt(control: Control, argument: string): Promise<void> {
  control.admission.identify(argument)
  await control.reply(200, 'Noted')
}

export async function help(control: Control): Promise<void> {
  await control.reply(214, 'Drop a CSV of users with STOR; bak/ and failed/ hold what became of it')
}

export async function noop(control: Control): Promise<void> {
  await control.reply(200, 'Still here')
}

export async function quit(control: Control): Promise<void> {
  await control.reply(221, 'Goodbye')
  control.hangUp()
}

export async function stat(control: Control, argument: string): Promise<void> {
  if (control.transfer !== undefined) return control.reply(213, control.transfer.description)
  if (argument !== '') return control.reply(504, 'STAT of a file is not offered, use MLST')
  await control.reply(211, `Logged in as ${control.session?.accountName ?? ''}, no transfer`)
}
