"""Fine-tunes the encoder on the catalogue, and decides whether the result is better.

``finetune.finetune`` is the whole of it: ``training_pairs`` pairs descriptions with passages of
their movies' reviews, ``training_loop`` trains, ``trial_catalogue`` measures both encoders on the
third of the descriptions that was kept out, and ``tuning_report`` says what was found and decides.

It reads a snapshot and writes a model's folder; the embedder and the query service need not run.
Only the command line imports it. torch is imported inside the functions that train.
"""
