"""What a catalogue knows, without a database or a wire: records, moves, targets."""
