// The only guess of the set-up: the location of the backports of a mirror, from the entry of the machine for that
// mirror.
'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { backportsEntry } = require('../../scripts/lib/servers.js');

describe('the entry for backports', () => {
  it('keeps mirror and key of a stanza, and skips other suites', () => {
    const text = `Types: deb
URIs: http://mirror.example/security
Suites: bookworm-security
Components: main

# the main archive
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/archive.gpg
`;
    assert.equal(
      backportsEntry(text, 'sources', 'bookworm'),
      `Types: deb
Suites: bookworm-backports
Components: main
URIs: http://mirror.example/debian
Signed-By: /usr/share/keyrings/archive.gpg`,
    );
    assert.equal(backportsEntry(text, 'sources', 'trixie'), undefined);
  });

  it('keeps mirror and options of a line, and skips other suites', () => {
    const text = `# deb http://mirror.example/debian bookworm main
deb-src http://mirror.example/debian bookworm main
deb http://mirror.example/security bookworm-security main
deb [arch=amd64 signed-by=/a b.gpg] http://mirror.example/debian bookworm main contrib
deb http://mirror.example/debian bookworm-updates main
`;
    assert.equal(
      backportsEntry(text, 'list', 'bookworm'),
      'deb [arch=amd64 signed-by=/a b.gpg] http://mirror.example/debian bookworm-backports main',
    );
    assert.equal(backportsEntry(text, 'list', 'trixie'), undefined);
  });
});
