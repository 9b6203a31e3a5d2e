// Code that the typings must refuse. It only has to compile: each line that is expected to be an error is an error.

import { authMiddleware, createAuth, type RequestAuth } from 'latchgate';

const auth = createAuth();

// @ts-expect-error an unknown option
createAuth({ realms: 'api' });
// @ts-expect-error an option of another object
createAuth({ secret: 'x' });
// @ts-expect-error an issuer that may be undefined would be refused
createAuth({ jwt: { issuer: process.env.ISSUER } });
// @ts-expect-error a limit is a number or a function
createAuth({ sessions: { limit: '3' } });
// @ts-expect-error a limit function is synchronous
createAuth({ sessions: { limit: async () => 3 } });
// @ts-expect-error onLimit has no such value
createAuth({ sessions: { onLimit: 'evict' } });
// @ts-expect-error a policy takes no store
auth.middleware({ store: 'memory:' });
// @ts-expect-error a misspelt option
authMiddleware({ scopes: 'read' });
// @ts-expect-error a scope is a string
auth.requireScope(7);
// @ts-expect-error a user id is a string
auth.sessions.admit(7);
// @ts-expect-error admission is not chosen per call
auth.sessions.admit('u', { admission: 'explicit' });
// @ts-expect-error an id needs its user
auth.tokens.revokeId({ jti: 'j', expiresAt: 1 });
// @ts-expect-error no such event
auth.on('allowed', () => {});

export async function refused(caller: RequestAuth): Promise<void> {
  // @ts-expect-error req.auth is read-only
  caller.userId = 'other';
  // @ts-expect-error claims are read-only
  caller.claims.sub = 'other';
  // @ts-expect-error scopes are read-only
  caller.scopes.push('admin');
  const admission = await auth.sessions.admit('u');
  // @ts-expect-error only an admission has a session
  console.log(admission.session);
  const answer = await auth.authenticate({});
  // @ts-expect-error only an allowed decision has an auth
  console.log(answer.auth);
}
