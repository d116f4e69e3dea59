# Work for a Perl interpreter: text, regular expressions, hashes, sorting.
my $seed = 42;
my @syllables = qw(ka to mi ren sul ba ix or en da);

sub number
{
    my ($limit) = @_;
    $seed = ($seed * 69069 + 1) % 4294967296;
    return int($seed / 65536) % $limit;
}

my @lines;
for my $i (1 .. 250) {
    my @words = map { join '', map { $syllables[number(10)] } 1 .. 1 + number(3) } 1 .. 8;
    push @lines, "$i: " . join(' ', @words) . ' [' . number(100000) . ']';
}

my (%count, $sum, $doubled);
for my $line (@lines) {
    my ($id, $text, $value) = $line =~ /^(\d+): (.*) \[(\d+)\]$/ or die "line: $line\n";
    $sum += $id * $value % 9973;
    $count{$_}++ for split / /, $text;
    $doubled++ while $text =~ /(\w\w)\1/g;
    (my $other = $text) =~ s/\b(k\w*)(\w)\b/$2$1/g;
    $sum += length $other;
    $sum += ord(substr($other, $id % length($other), 1));
}

my @order = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
my $head = join ',', map { "$_=$count{$_}" } @order[0 .. 4];
my $check = 0;
$check = ($check * 31 + unpack('%32C*', $_)) % 1000003 for @order;
print "$sum $doubled $head $check\n";
