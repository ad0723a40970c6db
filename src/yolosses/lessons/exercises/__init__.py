"""The exercises, one module a lesson or a part of one: what is asked, what is right, and the misunderstandings."""
