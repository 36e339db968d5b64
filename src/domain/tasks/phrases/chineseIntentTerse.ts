import { chineseTerseOrders } from './chineseTerseOrders.ts';
import { chineseTerseService } from './chineseTerseService.ts';
import type { TerseIntents } from './phraseBook.ts';

/** How customers in a hurry write Chinese. */
export const chineseIntentTerse: TerseIntents = {
  asks: [
    '{fragment}',
    '请{fragment}',
    '{item}，{fragment}',
    '问下，{fragment}',
    '{noun}',
    '{noun}怎么弄',
    '有关{noun}',
    '说说{noun}',
    '{noun}，{item}',
    '需要{noun}',
    '{fragment}，{fragment}',
    '{fragment}！{noun}',
    '{noun}的事',
    '{fragment}（{item}）',
    '所以{fragment}',
    '还有{fragment}',
    '{noun}：{fragment}',
    '求{noun}',
    '{fragment}？',
    '{fragment}吧',
  ],
  intents: { ...chineseTerseOrders, ...chineseTerseService },
};
