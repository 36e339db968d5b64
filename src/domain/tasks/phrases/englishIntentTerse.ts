import { englishTerseOrders } from './englishTerseOrders.ts';
import { englishTerseService } from './englishTerseService.ts';
import type { TerseIntents } from './phraseBook.ts';

/** How customers in a hurry write English. */
export const englishIntentTerse: TerseIntents = {
  asks: [
    '{fragment}',
    '{fragment} please',
    '{item}: {fragment}',
    'question: {fragment}',
    '{noun}',
    'help with {noun}',
    'a question about {noun}',
    'it is about {noun}',
    '{noun} please',
    '{noun}, {item}',
    'I need {noun}',
    '{fragment}, {fragment}',
    '{fragment}! {noun}',
    'topic {noun}',
    '{fragment} ({item})',
    'so {fragment}',
    'and {fragment}',
    'tell me: {fragment}',
    '{noun}: {fragment}',
    'we {fragment}',
  ],
  intents: { ...englishTerseOrders, ...englishTerseService },
};
