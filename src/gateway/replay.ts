import type { StreamTopic } from '../domain/view/stream.ts';

export type StreamMessage = {
  readonly id: number;
  readonly topic: StreamTopic;
  /** As it goes over the wire. */
  readonly text: string;
};

const maxMessages = 2_000;
const maxChars = 4 * 1024 * 1024;

/** The last messages, for readers that come back. */
export const createReplay = () => {
  let kept: StreamMessage[] = [];
  let chars = 0;
  /** Id of the newest message that is gone. */
  let goneUpTo = 0;

  const forget = (message: StreamMessage): void => {
    chars -= message.text.length;
    goneUpTo = Math.max(goneUpTo, message.id);
  };

  return {
    keep: (message: StreamMessage): void => {
      kept.push(message);
      chars += message.text.length;
      while (kept.length > maxMessages || chars > maxChars) {
        const oldest = kept.shift();
        if (oldest === undefined) break;
        forget(oldest);
      }
    },
    /** Nobody follows this topic any more: what comes next would leave a gap. */
    drop: (topic: StreamTopic): void => {
      for (const message of kept) if (message.topic === topic) chars -= message.text.length;
      kept = kept.filter((message) => message.topic !== topic);
    },
    /** Messages of a topic after this id; null where some of them may be gone. */
    after: (id: number, topic: StreamTopic): readonly StreamMessage[] | null =>
      id < goneUpTo ? null : kept.filter((message) => message.id > id && message.topic === topic),
  };
};
