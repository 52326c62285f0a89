function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/**
 * SSH_MSG_CHANNEL_FAILURE for a request on a channel that has its subsystem or command (RFC 4254 section 6.5).
 *
 * ssh2 answers such a request by nothing, its `reject` included; where its inside is another one, so does this.
 */
export function failRequest(connection: object, channel: object): void {
  const protocol: unknown = Reflect.get(connection, '_protocol')
  const peer: unknown = Reflect.get(channel, 'outgoing')
  if (!isObject(protocol) || !isObject(peer)) return
  const fail: unknown = Reflect.get(protocol, 'channelFailure')
  const id: unknown = Reflect.get(peer, 'id')
  if (typeof fail === 'function' && typeof id === 'number') fail.call(protocol, id)
}
