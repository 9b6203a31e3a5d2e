// How each process of the crowd listens: on a port of its own, and on the shared one where it is a worker of a cluster.
'use strict';

/** @param {import('express').Express} app */
function listen(app) {
  const own = app.listen({ port: 0, host: '127.0.0.1', exclusive: true, backlog: 2048 }, () => {
    const { port } = /** @type {import('node:net').AddressInfo} */ (own.address());
    const tell = () => console.log(JSON.stringify({ port, pid: process.pid }));
    const shared = process.env.LATCHGATE_TEST_PORT;
    if (shared === undefined) tell();
    else app.listen({ port: Number(shared), host: '127.0.0.1', backlog: 2048 }, tell);
  });
}

module.exports = { listen };
