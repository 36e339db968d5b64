import type { TerseIntents } from './phraseBook.ts';
import { spanishTerseOrders } from './spanishTerseOrders.ts';
import { spanishTerseService } from './spanishTerseService.ts';

/** How customers in a hurry write Spanish. */
export const spanishIntentTerse: TerseIntents = {
  asks: [
    '{fragment}',
    '{fragment} por favor',
    '{item}: {fragment}',
    'consulta: {fragment}',
    '{noun}',
    'ayuda con {noun}',
    'una duda sobre {noun}',
    'es sobre {noun}',
    '{noun} por favor',
    '{noun}, {item}',
    'necesito {noun}',
    '{fragment}, {fragment}',
    '¡{fragment}! {noun}',
    'tema: {noun}',
    '{fragment} ({item})',
    'así que {fragment}',
    'y {fragment}',
    'díganme: {fragment}',
    '{noun}: {fragment}',
    'quiero {noun}',
    '¿{fragment}?',
  ],
  intents: { ...spanishTerseOrders, ...spanishTerseService },
};
