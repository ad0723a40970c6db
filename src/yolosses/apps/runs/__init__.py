"""What a run is asked to do, how it is built, and its steps: for every command that trains, and for the playground."""
