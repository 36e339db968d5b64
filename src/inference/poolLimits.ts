/** Largest values of the pool's options, in a file of its own: the settings state them without loading the pool. */

export const MAX_WORKERS = 256;
/** Texts that may wait. Taking one out of the queue costs time in proportion to its length. */
export const MAX_QUEUED_TEXTS = 8_192;
