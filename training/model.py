"""The network of the starter models: a convolutional classifier over subword embeddings."""

import torch
from torch import nn

# Added to the score of padding before a maximum or a softmax; exp(-1e4) is 0 in float32.
MASKED = -1e4
# Share of training texts for which one of the views is missing.
VIEW_DROPOUT = 0.3


class DilatedBlock(nn.Module):
    """Residual convolution over three positions; the dilation widens what one position sees."""

    def __init__(self, width: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.conv = nn.Conv1d(width, width, 3, padding=dilation, dilation=dilation)
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(dropout)

    def forward(self, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        # Padding is zeroed before every convolution, so a text sees the same zeros alone and in a batch.
        seen = self.conv((hidden * mask).transpose(1, 2)).transpose(1, 2)
        return self.norm(hidden + self.dropout(torch.relu(seen)))


class TextCnn(nn.Module):
    """input_ids, attention_mask [batch, sequence] -> logits [batch, labels].

    A vote of single subwords plus a network over their order. The network joins filters over one, two and three subwords with a maximum over the text (which phrases
    occur), and a stack of dilated residual convolutions with attention pooling (what is denied, what the text
    comes down on).
    """

    def __init__(self, vocab_size: int, labels: int, width: int = 64, filters: int = 96, dropout: float = 0.3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, width, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.phrases = nn.ModuleList(nn.Conv1d(width, filters, size) for size in (1, 2, 3))
        self.blocks = nn.ModuleList(DilatedBlock(width, dilation, 0.1) for dilation in (1, 2, 4, 8))
        self.attention = nn.Linear(width, 1)
        self.dropout = nn.Dropout(dropout)
        self.classifier = nn.Linear(3 * filters + 3 * width, labels)
        self.words = nn.Embedding(vocab_size, labels, padding_idx=0)
        nn.init.zeros_(self.words.weight)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.by_order(input_ids, attention_mask) + self.by_words(input_ids, attention_mask)

    def by_words(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        """The vote of every subword for itself, in whatever order: steady where the constructions are new."""
        return (self.words(input_ids) * attention_mask.unsqueeze(-1)).sum(dim=1)

    def by_order(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        mask = attention_mask.unsqueeze(-1).to(torch.float32)
        outside = (1.0 - mask) * MASKED
        embedded = self.dropout(self.embedding(input_ids)) * mask
        channels = embedded.transpose(1, 2)
        views = []
        for conv in self.phrases:
            size = conv.kernel_size[0]
            # Zeros at the end keep one score per position, so short texts need no special case.
            padded = nn.functional.pad(channels, (0, size - 1))
            scores = torch.relu(conv(padded)).transpose(1, 2)
            views.append((scores + outside).amax(dim=1))
        hidden = embedded
        for block in self.blocks:
            hidden = block(hidden, mask)
        weights = torch.softmax(self.attention(hidden) + outside, dim=1)
        views.append((hidden * weights).sum(dim=1))
        views.append((hidden + outside).amax(dim=1))
        # The plain mean of the embeddings: what the text is about, whatever the order of its words.
        views.append(embedded.sum(dim=1) / mask.sum(dim=1))
        return self.classifier(self.dropout(torch.cat(self.some(views), dim=1)))

    def some(self, views: list[torch.Tensor]) -> list[torch.Tensor]:
        """In training each view is now and then missing, so that none is relied on alone."""
        if not self.training:
            return views
        kept = 1.0 - VIEW_DROPOUT
        return [view * ((torch.rand(view.shape[0], 1) < kept) / kept) for view in views]
