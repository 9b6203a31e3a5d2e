// Runs one of the two apps in a process of its own, on a free port of this machine. Reports the port to the parent.
'use strict';

const http = require('node:http');

const [, , name = '', port = '0'] = process.argv;
// Two hundred sockets connect at the same time; the default of the system may be smaller.
const server = http
  .createServer(require(`./${name}.js`))
  .listen({ host: '127.0.0.1', port: Number(port), backlog: 1024 });
server.on('listening', () => {
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.send?.({ port: address.port });
});
server.on('error', (error) => process.send?.({ error: error.message }));
// Without its parent the app has no purpose.
process.on('disconnect', () => process.exit());
