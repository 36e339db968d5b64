import { createHmac, randomBytes } from 'node:crypto';

const keyBytes = 16;
const idChars = 32;

/** A key for the requests of one round, 32 hex digits. */
export const drawRequestKey = (): string => randomBytes(keyBytes).toString('hex');

/**
 * Id of the request that asks one miner one task: 16 bytes of HMAC-SHA-256 (RFC 2104) in hex. Nobody without the
 * round's key can guess one, it says nothing about the task or its truth, and a successor that reads the plan knows it
 * again.
 */
export const requestId = (requestKey: string, taskId: string, hotkey: string): string =>
  createHmac('sha256', requestKey).update(`${taskId}/${hotkey}`).digest('hex').slice(0, idChars);
