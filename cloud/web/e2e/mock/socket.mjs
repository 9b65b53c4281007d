// The few lines of RFC 6455 that a mock needs: text frames below 64 KiB, no fragments.
import { createHash } from 'node:crypto'

export function accept(req, socket, onText) {
  const key = createHash('sha1').update(req.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${key}\r\n\r\n`)
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk])
    while (rest.length >= 6) {
      const op = rest[0] & 15
      let length = rest[1] & 127
      let at = 2
      if (length === 126) {
        length = rest.readUInt16BE(2)
        at = 4
      }
      if (rest.length < at + 4 + length) return
      const mask = rest.subarray(at, at + 4)
      const body = Buffer.from(rest.subarray(at + 4, at + 4 + length).map((b, i) => b ^ mask[i % 4]))
      rest = rest.subarray(at + 4 + length)
      if (op === 8) return socket.end()
      if (op === 1) onText(body.toString())
    }
  })
  socket.on('error', () => socket.destroy())
  return {
    send(value) {
      const body = Buffer.from(JSON.stringify(value))
      const head = body.length < 126 ? Buffer.from([0x81, body.length]) : Buffer.from([0x81, 126, body.length >> 8, body.length & 255])
      if (!socket.destroyed) socket.write(Buffer.concat([head, body]))
    },
    close: () => socket.destroy(),
    get open() {
      return !socket.destroyed
    },
  }
}
