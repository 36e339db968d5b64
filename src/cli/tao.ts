import { InvalidArgumentError } from 'commander';

const RAO_DIGITS = 9;
/** 21 million TAO is all there will ever be. */
const AMOUNT = /^(\d{1,8})(?:\.(\d{1,9}))?$/;

/** An amount of TAO as a person writes it, in rao; null where it is none. */
export const parseTao = (text: string): bigint | null => {
  const [, whole, fraction = ''] = AMOUNT.exec(text) ?? [];
  return whole === undefined ? null : BigInt(whole + fraction.padEnd(RAO_DIGITS, '0'));
};

/** The same as a parser of an option. */
export const taoOption = (text: string): bigint => {
  const rao = parseTao(text);
  if (rao === null) throw new InvalidArgumentError('Give TAO as a decimal number, such as 0.25.');
  return rao;
};
