import type { SentimentBook } from '../../src/domain/tasks/phrases/phraseBook.ts';

/** Chinese remarks for measuring only: other constructions, things and frames than the tasks use. */
export const chineseSentimentHeldOut: SentimentBook = {
  language: 'zh',
  slots: {
    thing: ['吉他', '那把水壶', '打印机', '冰箱', '围巾', '雨衣', '贵店', '拉链', '话筒', '这一切', '滑板'],
    good: ['好', '棒', '不错', '完美', '漂亮', '舒服', '好用', '实用', '精致', '结实', '靠谱', '划算'],
    bad: ['差', '烂', '糟糕', '难用', '难看', '粗糙', '廉价', '垃圾', '差劲', '劣质', '离谱'],
  },
  openings: ['老师的评价', '友人所赠', '试了两回', '来自青岛', '二手买家'],
  contrasts: [
    '是啊{minor}，但{major}',
    '即使{minor}，{major}',
    '{major}（虽然{minor}）',
    '或许{minor}，不过{major}',
    '纵然{minor}，总之{major}',
    '诚然{minor}，可{major}',
  ],
  sides: {
    Positive: {
      clauses: [
        '好{good}的{thing}',
        '老实说{thing}{good}',
        '儿子夸{thing}{good}',
        '{thing}看上去{good}，爱用',
        '多么{good}，{thing}',
        '向朋友推荐{thing}',
        '{thing}配得五星',
        '惊喜，{thing}超预期',
        '满意又开心，{thing}顺手',
      ],
      denials: [
        '{thing}哪里{bad}了，不{bad}',
        '{thing}看上去不{bad}',
        '从未坏过，{thing}正常',
        '零抱怨，{thing}留下',
        '不能说{thing}{bad}',
        '{thing}不曾让人失望',
        '绝对不{bad}，{thing}',
      ],
      verdicts: ['推荐', '买家开心', '买得值', '真爱', '满意', '回购'],
    },
    Negative: {
      clauses: [
        '好{bad}的{thing}',
        '老实说{thing}{bad}',
        '儿子嫌{thing}{bad}',
        '{thing}看上去{bad}，讨厌用',
        '多么{bad}，{thing}',
        '明天退掉{thing}',
        '{thing}只配一星',
        '噩梦，{thing}就坏了',
        '失望又生气，{thing}坏掉',
      ],
      denials: [
        '{thing}哪里{good}了，不{good}',
        '{thing}看上去不{good}',
        '从未好过，{thing}闲置',
        '零惊喜，{thing}扔掉',
        '不能说{thing}{good}',
        '{thing}不曾让人满意',
        '绝对不{good}，{thing}',
      ],
      verdicts: ['别买', '买家失望', '浪费钱', '真烦', '不满意', '后悔'],
    },
  },
};
