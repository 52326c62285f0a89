/** Type of a TLS record that holds application data; in TLS 1.3, everything that is encrypted (RFC 8446 section 5.2). */
const applicationData = 23
const headerBytes = 5

/** Follows the record headers of one direction of a TLS connection, however packets cut them. */
export function createRecordScan() {
  let header = Buffer.alloc(0)
  let bodyLeft = 0
  return {
    /** True when one of the records that begin in `bytes` has application data. */
    sees(bytes: Uint8Array): boolean {
      let found = false
      for (let at = 0; at < bytes.length;) {
        if (bodyLeft > 0) {
          const skipped = Math.min(bodyLeft, bytes.length - at)
          bodyLeft -= skipped
          at += skipped
          continue
        }
        const taken = Math.min(headerBytes - header.length, bytes.length - at)
        header = Buffer.concat([header, bytes.subarray(at, at + taken)])
        at += taken
        if (header[0] === applicationData) found = true
        if (header.length < headerBytes) continue
        bodyLeft = header.readUInt16BE(3)
        header = Buffer.alloc(0)
      }
      return found
    },
  }
}
