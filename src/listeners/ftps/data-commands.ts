import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import { plainAddress } from '../proxy-protocol.ts'
import type { Control, DataPorts } from './control.ts'
import { activePort, hostPort, parseExtended, parseHostPort } from './data-port.ts'
import type { DataPort, PeerPort } from './data-port.ts'

// Commands that say how data comes: RFC 959 section 4.1.2, RFC 2428.

export async function type(control: Control, argument: string): Promise<void> {
  // Bytes are stored as sent whatever the type: nothing of a file is ever changed (docs/protocol.md).
  if (/^(?:A(?: N)?|I|L 8)$/i.test(argument)) {
    return control.reply(200, 'Bytes are kept as they are')
  }
  if (argument === '') return control.reply(501, 'TYPE I or TYPE A is needed')
  await control.reply(504, 'TYPE I or TYPE A is needed')
}

export async function stru(control: Control, argument: string): Promise<void> {
  if (argument.toUpperCase() === 'F') return control.reply(200, 'Files')
  await control.reply(argument === '' ? 501 : 504, 'STRU F is needed')
}

export async function mode(control: Control, argument: string): Promise<void> {
  if (argument.toUpperCase() === 'S') return control.reply(200, 'Stream')
  await control.reply(argument === '' ? 501 : 504, 'MODE S is needed')
}

function take(control: Control, data: DataPort): void {
  control.data?.close()
  control.data = data
}

async function passive(control: Control, dataPorts: DataPorts): Promise<number> {
  control.data?.close()
  control.data = undefined
  const data = await dataPorts.openPassive(control.peerAddress)
  take(control, data)
  if (!control.open) data.close()
  return data.port
}

/** RFC 2428 section 4: after EPSV ALL, a NAT may rely on nothing else being used. */
async function onlyExtended(control: Control): Promise<boolean> {
  if (control.extendedOnly) await control.reply(503, 'EPSV ALL was sent: EPSV is needed')
  return control.extendedOnly
}

export async function pasv(control: Control): Promise<void> {
  if (await onlyExtended(control)) return
  const { dataPorts, localAddress } = control
  const address = dataPorts.announced ?? localAddress
  if (hostPort(address, 0) === undefined) return control.reply(425, 'Use EPSV over IPv6')
  const port = await passive(control, dataPorts)
  await control.reply(227, `Passive (${hostPort(address, port)})`)
}

export async function epsv(control: Control, argument: string): Promise<void> {
  if (argument.toUpperCase() === 'ALL') {
    control.extendedOnly = true
    return control.reply(200, 'EPSV from now on')
  }
  const family = isIP(control.peerAddress) === 6 ? '2' : '1'
  if (argument !== '' && argument !== family) {
    return /^\d+$/.test(argument)
      ? control.reply(
          522,
          `The data connection uses the same protocol as this one, use (${family})`,
        )
      : control.reply(501, 'EPSV, EPSV 1, EPSV 2 or EPSV ALL is needed')
  }
  const port = await passive(control, control.dataPorts)
  await control.reply(229, `Passive (|||${port}|)`)
}

/** Only the peer itself, and no port of a service: nobody is attacked through this server (RFC 2577 section 3). */
async function active(control: Control, target: PeerPort): Promise<void> {
  if (plainAddress(target.address) !== control.peerAddress || target.port < 1_024) {
    return control.reply(504, 'Your own address and a port from 1024 are needed, or use PASV')
  }
  const { limits, security } = control
  const secure = (socket: Socket) => security.wrap(socket, { data: true })
  take(control, activePort(target, { waitMs: limits.passiveMs, secure }))
  await control.reply(200, 'This side connects')
}

export async function port(control: Control, argument: string): Promise<void> {
  if (!control.dataPorts.active) return control.reply(502, 'Active mode is off, use PASV or EPSV')
  if (await onlyExtended(control)) return
  const target = parseHostPort(argument)
  if (target === undefined) return control.reply(501, 'Six numbers with commas are needed')
  await active(control, target)
}

export async function eprt(control: Control, argument: string): Promise<void> {
  if (!control.dataPorts.active) return control.reply(502, 'Active mode is off, use PASV or EPSV')
  if (await onlyExtended(control)) return
  const target = parseExtended(argument)
  if (target === undefined) return control.reply(501, 'EPRT |1|address|port| is needed')
  if (target === 'unknown') return control.reply(522, 'The protocol is not known here, use (1,2)')
  await active(control, target)
}
