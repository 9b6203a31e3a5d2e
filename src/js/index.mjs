// The CommonJS face under its names for `import`; never a second copy of anything.
import latchgate from './index.js';

export const { LatchgateError, authMiddleware, createAuth, version } = latchgate;
